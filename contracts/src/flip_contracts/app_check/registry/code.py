"""Rules of the app's Python that decide whether a run works."""

from typing import Final

from flip_contracts.app_check.registry.rule import Rule, error, info, warning

RULES: Final[tuple[Rule, ...]] = (
    error(
        "syntax_error",
        "A Python file cannot be parsed.",
        "Importing it would fail.",
        "Correct the line. The platform runs Python 3.11.",
    ),
    error(
        "import_missing",
        "The app imports a module of its own that it does not have, or a name that the module does not define.",
        "The run would fail when the platform imports it.",
        "Add what is missing, or correct the import. An import under `try … except ImportError` is not reported.",
    ),
    warning(
        "import_not_on_image",
        "The app imports a package that the platform image does not have.",
        "Nothing is installed for a run: `dependencies` in `pyproject.toml` count for local runs only. The import "
        "fails at the trust.",
        "Do without the package, put its source into the app, or put the import under `try … except ImportError`. "
        "What the image has: `PLATFORM_IMAGE` in `flip_contracts.app_check.platform_image`.",
    ),
    warning(
        "lifecycle_missing",
        "The ServerApp does not report INITIATED, PREPARED or TRAINING_STARTED.",
        "The progress bar follows these calls. Without them it shows what the platform sees by itself, so the run "
        "works and looks coarse. A stock Flower app has none of them.",
        "`flip.update_status(model_id, ModelStatus.INITIATED)` after the config is read, `PREPARED` after the initial "
        "weights are built, `TRAINING_STARTED` around `strategy.start` (`RUNNING` is taken as another name of it).",
    ),
    warning(
        "lifecycle_order",
        "A status is reported after a later one, or RESULTS_UPLOADED before `strategy.start`.",
        "The bar never goes back, so the late call has no effect; and a run that says it is done too early looks done.",
        "The order is INITIATED, PREPARED, TRAINING_STARTED, RESULTS_UPLOADED.",
    ),
    warning(
        "results_uploaded_missing",
        "The ServerApp does not report RESULTS_UPLOADED.",
        "FLIP ends the run by itself when the ServerApp returns, with a warning on the model's page. On other "
        "platforms of this interface the model stays in training for ever.",
        "End `main()` with `flip.update_status(model_id, ModelStatus.RESULTS_UPLOADED)`.",
    ),
    warning(
        "results_uploaded_unreachable",
        "RESULTS_UPLOADED is reported only where the code never comes: after `return`, `raise` or an endless loop, "
        'under `if False` or `if __name__ == "__main__"`, or in a function that nothing calls.',
        "It is the same as no call at all.",
        "Move the call to the end of `main()`.",
    ),
    warning(
        "results_uploaded_on_failure",
        "RESULTS_UPLOADED is reported only in an `except` block.",
        "A good run would not report it, and a failed one would.",
        "Move the call behind the `try`, and let the exception pass: FLIP reports the failure.",
    ),
    info(
        "results_uploaded_conditional",
        "RESULTS_UPLOADED is reported only under a condition or in a loop.",
        "Where the condition is false FLIP ends the run by itself, with a warning on the model's page.",
        "Move the call out of the condition if it should always be reported.",
    ),
    warning(
        "min_nodes_above_trusts",
        "The strategy waits for more nodes than trusts take part.",
        "Flower would wait for ever. FLIP lowers the number for the run and says so.",
        "Leave the minimum out, or give the number of approved trusts.",
    ),
    warning(
        "round_timeout_too_short",
        "The timeout of `strategy.start` is below the local training time that `flip-local-train-seconds` in "
        "`[tool.flwr.app.config]` tells, or below a minute. Without `timeout` Flower takes 3600 seconds.",
        "A reply that comes later is ignored without a word: the trust trains, and counts for nothing.",
        "Give `strategy.start(…, timeout=seconds)` more than the slowest trust needs for one round, with a reserve.",
    ),
    warning(
        "supernode_name_hard_coded",
        "The app sets `SUPERNODE_NAME`, or gives `send_metrics` a client name that is written in the code.",
        "The platform sets the name to the trust's registered one. Every trust runs the same code, so a written name "
        "is wrong at all trusts but one.",
        'Only read it: `client_name = os.getenv("SUPERNODE_NAME", "unknown_client")`.',
    ),
    warning(
        "accession_loop_without_try",
        "`get_by_accession_number` is called in a loop without `try` inside the loop.",
        "A trust may lack a resource of one accession; the call raises, and the whole round ends.",
        "`try: … except Exception: continue` inside the loop.",
    ),
)
