"""Rules of pyproject.toml and of the run config."""

from typing import Final

from flip_contracts.app_check.registry.rule import Rule, error, info

RULES: Final[tuple[Rule, ...]] = (
    error(
        "pyproject_missing",
        "There is no `pyproject.toml` at the app's root.",
        "Flower reads the app's name, its two components and its run config from there.",
        "Start from `templates/standard/`. Give the folder that holds `pyproject.toml`, not the one above it.",
    ),
    error(
        "pyproject_unparsable",
        "`pyproject.toml` is not valid TOML in UTF-8.",
        "Nothing of the app can be found without it.",
        "Correct the line that the message names. Texts need quotes, and a key may appear once per table.",
    ),
    error(
        "name_missing",
        "`[project]` has no `name`.",
        "Flower names the app's bundle and its folder after it.",
        'Add `name = "my-app"` under `[project]`.',
    ),
    error(
        "name_invalid",
        "The project's name does not start with a letter, or has other signs than letters, digits and hyphens, "
        "or more than 32 of them.",
        "Flower refuses the bundle. An underscore, as in `my_app`, is the usual cause.",
        "Rename the project, for example to `my-app`. The Python package may keep its underscore.",
    ),
    error(
        "version_missing",
        "`[project]` has no `version`.",
        "Flower refuses the bundle.",
        'Add `version = "1.0.0"` under `[project]`.',
    ),
    error(
        "version_invalid",
        "The version is not one of PEP 440, or not a text.",
        "It becomes part of a folder's name at the hub and at every trust; Flower itself does not check it.",
        'Write it as a text: `version = "1.0.0"`.',
    ),
    error(
        "publisher_missing",
        "`[tool.flwr.app]` has no `publisher`.",
        "Flower refuses the bundle.",
        'Add `publisher = "my-group"` under `[tool.flwr.app]`.',
    ),
    error(
        "publisher_invalid",
        "The publisher does not start with a letter, or has other signs than letters, digits and hyphens, "
        "or more than 32 of them.",
        "It becomes part of a folder's name; Flower accepts a slash at upload and fails later.",
        'For example `publisher = "my-group"`.',
    ),
    error(
        "component_missing",
        "`[tool.flwr.app.components]` lacks `serverapp` or `clientapp`.",
        "Flower would not know what to start.",
        'Add `serverapp = "app.server_app:app"` and `clientapp = "app.client_app:app"`.',
    ),
    error(
        "component_invalid",
        "A component is not written as `module:attribute`.",
        "Flower cannot import it. A path such as `app/client_app.py` is the usual cause.",
        'Write the module with dots and the object after a colon: `"app.client_app:app"`.',
    ),
    error(
        "component_unresolved",
        "A component names a module that the app does not have, or an object that the module does not define.",
        "The run would fail when the platform imports it.",
        "Add the file or the object, or correct the name.",
    ),
    error(
        "component_wrong_kind",
        "`serverapp` names a `ClientApp`, or `clientapp` a `ServerApp`.",
        "The run would fail when the platform starts it.",
        "Swap the two, or correct the one that is wrong.",
    ),
    error(
        "agentapp_refused",
        "The app declares an `agentapp`.",
        "FLIP runs one ServerApp at the hub and one ClientApp at each trust, and nothing else.",
        "Remove `agentapp` from `[tool.flwr.app.components]`.",
    ),
    error(
        "config_not_scalar",
        "A value of `[tool.flwr.app.config]` is a list or a date.",
        "Flower takes texts, numbers and truth values, and tables of them.",
        'Write a list as a text, `layers = "8,16,32"`, and split it in the app.',
    ),
    info(
        "flip_key_undeclared",
        "`flip-model-id`, `flip-project-id` or `flip-cohort-query` is not declared in `[tool.flwr.app.config]`.",
        "Flower lets a caller override declared keys only. FLIP adds the key for the run, so nothing breaks on the "
        "platform; a local run lacks it.",
        'Declare `flip-model-id = "uuid"`, `flip-project-id = "uuid"` and `flip-cohort-query = "*"`.',
    ),
    error(
        "run_config_key_undeclared",
        "A run is to override a key that `[tool.flwr.app.config]` does not declare.",
        "Flower refuses such a run, without naming the key.",
        "Declare the key with a default, or leave the override out. The message names the nearest declared key.",
    ),
    error(
        "run_config_key_reserved",
        "A run is to override a key that the platform sets: `flip-model-id`, `flip-project-id`, `flip-cohort-query` "
        "or `flip-min-clients`.",
        "The hub refuses it: which model a run belongs to and which patients it reads is not the app's choice.",
        "Leave it out of the overrides. The declared placeholder stays.",
    ),
    error(
        "run_config_type_wrong",
        "An override has another type than the declared default.",
        "Flower would hand it on as it is and the app would fail in the middle of a run; the hub refuses it.",
        "Give a value of the declared type, or declare the default with the type that you mean (`1.0`, not `1`).",
    ),
    error(
        "fab_pattern_invalid",
        "`fab-include` or `fab-exclude` in `[tool.flwr.app]` is no list of texts, or a pattern matches no file.",
        "Flower refuses to build the bundle.",
        "Correct the pattern or remove it. The patterns can narrow what is taken, not widen it.",
    ),
)
