# SPDX-License-Identifier: Apache-2.0
"""The SROS2 policy of the nodes: what each may publish, hear, answer and ask, and nothing more.

``python -m fer_ros.nodes.policy`` prints config/sros2/policy.xml; with a namespace and the names
that a launch file remaps, the policy of that launch (docs/security.md).
"""

import argparse
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree

from rclpy.exceptions import InvalidNamespaceException, InvalidTopicNameException
from rclpy.validate_namespace import validate_namespace
from rclpy.validate_topic_name import validate_topic_name

from fer_ros.nodes.topics import TABLES, Service, Topic

NODES = ("emotion_node", "expression_node", "video_source", "web_view")
MANAGED = NODES[:2]
"""Lifecycle nodes."""

_PARAMETERS = ("describe_parameters", "get_parameter_types", "get_parameters", "list_parameters",
               "set_parameters", "set_parameters_atomically")  # fmt: skip
_LIFECYCLE = ("change_state", "get_available_states", "get_available_transitions", "get_state",
              "get_transition_graph")  # fmt: skip
ASKED = {"web_view": ("emotion_node/get_parameters", "emotion_node/set_parameters")}
"""Services that a node asks others for."""


def render(namespace: str = "/", remapped: Mapping[str, str] | None = None) -> str:
    """The policy of all nodes, an enclave ``/fer_ros/NODE`` for each.

    Args:
        namespace: of the nodes, absolute.
        remapped: topics by the name they have in docs/topics.md, and what they are called instead;
            what lies under a topic (``/compressed``) follows it.
    """
    root = ElementTree.Element("policy", version="0.2.0")
    root.append(ElementTree.Comment(" Printed by `python -m fer_ros.nodes.policy` "))
    enclaves = ElementTree.SubElement(root, "enclaves")
    for node in NODES:
        enclave = ElementTree.SubElement(enclaves, "enclave", path=f"/fer_ros/{node}")
        profiles = ElementTree.SubElement(enclave, "profiles")
        profile = ElementTree.SubElement(profiles, "profile", ns=namespace, node=node)
        for kind, way, names in _rules(node, remapped or {}):
            rule = ElementTree.SubElement(profile, f"{kind}s", {way: "ALLOW"})
            for name in names:
                ElementTree.SubElement(rule, kind).text = name
    ElementTree.indent(root)
    return f"{ElementTree.tostring(root, 'unicode', xml_declaration=True)}\n"


def _rules(node: str, remapped: Mapping[str, str]):
    """What is allowed: topic or service, the way, and the names."""
    topics: Sequence[Topic] = [t for t in TABLES[node] if isinstance(t, Topic)]
    heard = [t.name for t in topics if t.is_input]
    told = [t.name for t in topics if not t.is_input] + ["/rosout", "/parameter_events"]
    answered = [s.name for s in TABLES.get(f"{node} services", ()) if isinstance(s, Service)]
    answered += [f"~/{name}" for name in (*_PARAMETERS, "get_type_description")]
    if node in MANAGED:
        told.append("~/transition_event")
        answered += [f"~/{name}" for name in _LIFECYCLE]
    yield "topic", "subscribe", [_name(t, remapped) for t in (*heard, "/clock")]
    yield "topic", "publish", [_name(t, remapped) for t in told]
    yield "service", "reply", answered
    if node in ASKED:
        yield "service", "request", ASKED[node]


def _name(topic: str, remapped: Mapping[str, str]) -> str:
    base, slash, rest = topic.partition("/compressed")
    return f"{remapped.get(base, base).replace('ID', '*')}{slash}{rest}"


def main():
    """Print the policy."""
    parser = argparse.ArgumentParser(
        description="Print the SROS2 policy of fer_ros' nodes.",
        epilog="Example: python -m fer_ros.nodes.policy --namespace /left image_raw:=/cam/image",
    )
    parser.add_argument("--namespace", default="/", metavar="NS", help="of the nodes (default: /)")
    parser.add_argument("remapped", nargs="*", metavar="TOPIC:=NAME", help="as the nodes are told")
    options = parser.parse_args()
    remapped = {}
    try:
        validate_namespace(options.namespace)
        for word in options.remapped:
            topic, _, name = word.partition(":=")
            if topic not in {t.name for node in NODES for t in TABLES[node]}:
                parser.error(f"{topic}: none of the topics of docs/topics.md")
            validate_topic_name(name)
            remapped[topic] = name
    except (InvalidNamespaceException, InvalidTopicNameException) as error:
        parser.error(str(error).replace("\n", " "))
    print(render(options.namespace, remapped), end="")


if __name__ == "__main__":
    main()
