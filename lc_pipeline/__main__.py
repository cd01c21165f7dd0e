"""``python -m lc_pipeline`` is ``lc-pipeline``."""

from lc_pipeline.cli import main

main(prog_name="lc-pipeline")
