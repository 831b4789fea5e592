# SPDX-License-Identifier: Apache-2.0
"""The bench of the nodes' tests itself, on a bus that loses what it may lose."""

import node_helpers
from std_srvs.srv import Trigger


def test_a_question_whose_answer_is_lost_is_asked_again(bench, monkeypatch):
    monkeypatch.setattr(node_helpers, "ASK_AGAIN", 0.2)
    create_client, asked = bench.node.create_client, []

    def deaf(*arguments):
        client = create_client(*arguments)
        call = client.call_async

        def lose_the_first(request):
            asked.append(request)
            future = call(request)
            if len(asked) == 1:
                client.remove_pending_request(future)
            return future

        client.call_async = lose_the_first
        return client

    bench.node.create_service(Trigger, "question", lambda request, response: response)
    monkeypatch.setattr(bench.node, "create_client", deaf)
    assert bench.call(Trigger, "question", Trigger.Request()).message == ""
    assert len(asked) == 2
