# SPDX-License-Identifier: Apache-2.0
"""What each command of ``fer-training`` does with its arguments: load, run, print, write.

The first line of each is its help. TensorFlow and Keras are imported where they are needed alone.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from fer_ros.lines import shown
from fer_training import dataset, recipe
from fer_training.recipe import Recipe, RecipeError


def inspect(arguments) -> None:
    """Count a data set's classes, repeats, leaks and doubtful labels."""
    from fer_training import inspection, plots

    figures = inspection.inspect(_load(arguments), near=not arguments.exact_only)
    print(inspection.render(figures))
    if arguments.out:
        _write(arguments.out, "inspect.json", figures)
        plots.classes(figures["counts"], arguments.out / "classes.png")


def summary(arguments) -> None:
    """Print a recipe's network and its parameters."""
    from fer_training.preparation import network

    chosen = recipe.load_recipe(arguments.recipe)
    model = network(replace(chosen, pretrained=False))
    if arguments.layers:
        model.summary(expand_nested=True)
    total = model.count_params()
    trainable = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    print(f"{chosen.name}: {chosen.description}")
    print(_schedule(chosen))
    print(f"{total:,} total / {trainable:,} trainable / {total - trainable:,} other parameters")


def train(arguments) -> None:
    """Train by a recipe, or go on with a run that was stopped."""
    from fer_training.train import train

    overrides = {k: getattr(arguments, k) for k in ("epochs", "input_size", "seed", "rows")}
    chosen = recipe.load_recipe(arguments.recipe, **overrides)
    faces = _load(arguments)
    result = train(
        chosen,
        faces.of("Training"),
        _judges(faces, chosen),
        arguments.out,
        imagenet=arguments.weights,
        start=arguments.start,
        teachers=arguments.teacher,
        unlabelled=arguments.unlabelled and dataset.load_unlabelled(arguments.unlabelled),
        others=[dataset.load_labelled(path)[0] for path in arguments.others],
    )
    judge = f"Training rows held out            {result['accuracy']:.2%}"
    if not chosen.held_out:
        judge = (
            f"PublicTest, raw               {result['accuracy']:.2%}\n"
            f"accuracy on PublicTest, deduplicated      {result['accuracy_deduplicated']:.2%}"
        )
    print(
        f"{chosen.name}, {_schedule(chosen)}; inference mode\n"
        f"accuracy on the rows trained on           {result['training_accuracy']:.2%} "
        f"({result['training_rows']} rows)\n"
        f"accuracy on {judge}\n"
        f"macro-F1 on the same                      {result['macro_f1']:.4f}\n"
        f"model: {shown(arguments.out / 'last.keras')}; next: fer-training evaluate, export"
    )


def _schedule(chosen) -> str:
    """Epochs and size of each phase."""
    phases = chosen.phases or (chosen,)
    return ", ".join(f"{p.epochs} epochs at {p.input_size}x{p.input_size}" for p in phases)


def compare(arguments) -> None:
    """Train a recipe and its twin, which differs in some settings, from several seeds each."""
    from fer_training import comparison

    twin = recipe.settings_of(arguments.but)
    overrides = {k: getattr(arguments, k) for k in ("epochs", "input_size", "rows")}
    names = {arguments.recipe: {}, f"but {arguments.but}": twin}
    variants = {
        name: [
            recipe.load_recipe(arguments.recipe, **overrides | different | {"seed": seed})
            for seed in arguments.seeds
        ]
        for name, different in names.items()
    }
    faces = _load(arguments)
    judges = _judges(faces, variants[arguments.recipe][0])
    training, out = faces.of("Training"), arguments.out
    found = comparison.compare(variants, training, judges, out, imagenet=arguments.weights)
    print(comparison.render(found))
    _write(out, "comparison.json", found)


def tune(arguments) -> None:
    """Look for better settings of a recipe in many short trials, or go on with that."""
    from fer_training import tuning

    overrides = {k: getattr(arguments, k) for k in ("input_size", "seed")}
    chosen = recipe.load_recipe(arguments.recipe, **overrides)
    faces = _load(arguments)
    found = tuning.tune(
        chosen,
        faces.of("Training"),
        _judges(faces, replace(chosen, held_out=tuning.HELD_OUT)),
        arguments.out,
        trials=arguments.trials,
        epochs=arguments.epochs,
        rows=arguments.rows,
        storage=arguments.storage,
        imagenet=arguments.weights,
    )
    print(tuning.render(found))


def crop(arguments) -> None:
    """Cut the faces out of photographs as the node cuts them."""
    from fer_training.cropping import WITHOUT, crop

    found = crop(arguments.folder, arguments.out, all_faces=arguments.all)
    listed = f", listed in {shown(arguments.out / WITHOUT)}" if found["without"] else ""
    print(
        f"{found['faces']} faces of {found['pictures']} pictures in {shown(arguments.out)}; "
        f"{found['without']} without a face{listed}"
    )


def evaluate(arguments) -> None:
    """Measure a .keras, .tflite or .onnx model on one split."""
    from fer_training.evaluate import evaluate
    from fer_training.groups import read_groups
    from fer_training.groups import render as render_groups
    from fer_training.metrics import render

    faces, usage = _load(arguments), arguments.usage
    if usage or "PublicTest" in faces.usage:
        faces = faces.of(usage := usage or "PublicTest")
    usage = usage or "all of it"
    stated = Path(arguments.csv).suffix == ".npz" and arguments.groups
    group = None
    if arguments.groups and not stated:
        group = read_groups(Path(arguments.groups[0]), faces)
    figures = {"model": str(arguments.model), "usage": usage}
    figures |= evaluate(arguments.model, faces, _training_keys(arguments), group)
    print(f"{shown(arguments.model)} on {usage}\n{render(figures)}")
    if arguments.elsewhere:
        figures["elsewhere"] = _elsewhere(arguments, faces)
    if group is not None:
        print(f"\n{render_groups(figures)}")
    if stated:
        figures["stated_groups"] = _stated(arguments, faces)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


def ensemble(arguments) -> None:
    """Measure the mean answer of several models, beside each of them."""
    from fer_training.ensemble import ensemble, render

    faces = _load(arguments)
    keys = faces.of("Training").keys()
    if arguments.held_out:
        judges, keys = _held_out(faces, recipe.load_recipe(arguments.held_out)), None
        what = f"the part of Training that {arguments.held_out} holds out"
    else:
        judges, what = faces.of(arguments.usage), arguments.usage
    found = ensemble(arguments.model, judges, mirrored=arguments.mirrored, training_keys=keys)
    how = ", each face mirrored too" if arguments.mirrored else ""
    print(f"{len(judges)} faces: {what}{how}\n{render(found)}")
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")


def robustness(arguments) -> None:
    """Measure a model under bad light, covering, blur, noise, bad boxes."""
    from fer_training import plots, robustness

    faces = dataset.load(arguments.csv).of(arguments.usage)
    found = robustness.robustness(arguments.model, faces)
    print(f"{shown(arguments.model)} on {arguments.usage}\n{robustness.render(found)}")
    if arguments.out:
        _write(arguments.out, "robustness.json", found)
        plots.robustness(found["conditions"], found["clean"], arguments.out / "robustness.png")


def export(arguments) -> None:
    """Write the files that fer_ros runs, and their card."""
    from fer_training.export import export
    from fer_training.near import parts

    faces, chosen = _load(arguments), recipe.recipe_of_run(arguments.model.parent) or Recipe("")
    training = faces.of("Training")
    validation = faces.of(arguments.usage) if arguments.usage else _judges(faces, chosen)
    keys = training.keys()
    if chosen.held_out and not arguments.usage:  # what chose the model sets its temperature too
        training, validation = parts(training, validation, chosen)
    name, share = arguments.name, arguments.named_right
    card = export(
        arguments.model, training, validation, arguments.out, name, share, keys, arguments.version
    )
    print(f"on {len(validation)} faces, {validation.usage[0]}")
    print(f"{'file':36} {'MB':>6} {'accuracy':>9} {'dedup.':>8} {'macro-F1':>9} {'ms':>6}")
    for file, f in card["files"].items():
        print(
            f"{file:36} {f['bytes'] / 1e6:6.2f} {f['accuracy']:9.2%} "
            f"{f['accuracy_deduplicated']:8.2%} {f['macro_f1']:9.4f} {f['ms_per_face']:6.2f}"
        )


def onnx(arguments) -> None:
    """Write the .onnx of a .tflite model whose .keras file is gone."""
    from fer_training.dequantise import add_onnx

    faces = dataset.load(arguments.csv)
    keys = faces.of("Training").keys()
    entry = add_onnx(arguments.model, faces.of("PublicTest"), keys)
    print(
        f"{shown(arguments.model.with_suffix('.onnx'))}: {entry['accuracy']:.2%}, deduplicated "
        f"{entry['accuracy_deduplicated']:.2%}, macro-F1 {entry['macro_f1']:.4f}, "
        f"{entry['ms_per_face']:.2f} ms a face"
    )


def report(arguments) -> None:
    """Write MODEL_CARD.md and its pictures, every figure measured anew."""
    from fer_training.model_report import write

    write(
        arguments.model,
        _load(arguments),
        arguments.out,
        sets=arguments.elsewhere,
        people=arguments.people,
        stated=arguments.groups,
    )
    print(f"wrote {shown(arguments.out / 'MODEL_CARD.md')}")


def _judges(faces, chosen):
    """The split that judges; none of a folder without splits, of which a part is held out."""
    if chosen.held_out and "PublicTest" not in faces.usage:
        return faces.select(faces.usage == "PublicTest")
    return faces.of("PublicTest")


def _load(arguments):
    asked = {
        "labels": getattr(arguments, "labels", None),
        "pattern": getattr(arguments, "label_pattern", None),
    }
    faces = dataset.load(arguments.csv, **{k: v for k, v in asked.items() if v})
    votes = getattr(arguments, "votes", None)
    return dataset.with_votes(faces, votes) if votes else faces


def _stated(arguments, faces):
    """Print and return what the model reads of the groups of people that a data set states."""
    from fer_training import groups
    from fer_training.evaluate import predict, settings

    temperature, input_size = settings(arguments.model)
    logits, found = predict(arguments.model, faces.images, input_size), {}
    for name, group in groups.stated_groups(arguments.csv, arguments.groups).items():
        found[name] = groups.by_group(logits, faces, group, temperature)
        print(f"\n{shown(name)}, as stated\n{groups.render_recalls(found[name])}")
    return found


def _elsewhere(arguments, faces):
    """Print and return what the model reads on FER-2013 by several judges, and elsewhere."""
    from fer_training import elsewhere
    from fer_training.evaluate import opened, settings

    sets = [dataset.load_labelled(path)[0] for path in arguments.elsewhere]
    temperature, input_size = settings(arguments.model)
    answer, keys = opened(arguments.model, input_size), _training_keys(arguments)
    found = elsewhere.on_fer_2013(answer(faces.images), faces, temperature, keys)
    found |= elsewhere.on_sets(answer, sets, temperature, arguments.people)
    print(f"\n{elsewhere.render(found)}")
    return elsewhere.without_draws(found)


def _held_out(faces, chosen):
    from fer_training.near import parts

    if not chosen.held_out:
        raise RecipeError(f"the recipe {chosen.name!r} has no validation faces (held_out = 0)")
    return parts(faces.of("Training"), faces.of("PublicTest"), chosen)[1]


def _training_keys(arguments):
    if arguments.train_csv:
        return dataset.load(arguments.train_csv).of("Training").keys()
    lists = sorted(arguments.model.parent.glob("*_training_keys.npy"))
    return np.load(lists[0], allow_pickle=False) if lists else None


def _write(folder, name, figures):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(figures, indent=2) + "\n")
