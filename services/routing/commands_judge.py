"""`wenzheng judge`: what the judgement knows, what it learns, what many speak of. Loads no database by itself."""

from __future__ import annotations

import typer

from services.routing.commands_judge_models import models
from services.routing.commands_judge_topics import topics
from services.routing.judgement.commands import trained

app = typer.Typer(no_args_is_help=True, help="The judgement 研判: what is known already, what many speak of.")
app.add_typer(topics)
app.add_typer(trained)
app.add_typer(models)
