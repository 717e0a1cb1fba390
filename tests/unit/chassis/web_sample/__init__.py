"""A small application that uses every piece of the web room; the tests ask it, the pictures show it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask, redirect, render_template, request
from sqlalchemy.exc import OperationalError
from wtforms import BooleanField, IntegerField, PasswordField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its types
from wtforms.validators import Email, InputRequired, Length, Optional

from services.chassis.clock import DrivenClock
from services.chassis.errors import Refusal
from services.chassis.house import House, open_house
from services.chassis.identity import SigningKey, Staff, sign_token, staff_key_pair
from services.chassis.settings import ServiceSettings, load
from services.chassis.web import (
    HouseForm,
    InvalidInput,
    Nav,
    api,
    body_json,
    client_key,
    current_staff,
    l,
    make_app,
    staff_required,
    t,
    tn,
    traceparent,
)
from services.contracts.envelope import Text

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
NAV = (
    Nav("/sample", "Sample"),
    Nav("/sample/form", "Sample form"),
    Nav("/staff", "Sample desk", frozenset({"*"})),
    Nav("/staff/admin", "Sample administration", frozenset({"administrator"})),
)
OFFICER = Staff("s1", "周婷", "u1", frozenset({"officer"}))


class SampleForm(HouseForm):
    """One field of each sort."""

    kind = RadioField(
        l("Sort"),
        choices=[
            SelectChoice("lamp", l("Lamp")),
            SelectChoice("road", l("Road")),
            SelectChoice("tree", l("Tree")),
            SelectChoice("other", l("Other")),
        ],
        validators=[InputRequired()],
    )
    title = StringField(l("Title"), validators=[InputRequired(), Length(min=2, max=60)])
    text = TextAreaField(l("Text"), validators=[InputRequired(), Length(max=10_000)])
    area = SelectField(l("Area"), choices=[SelectChoice("", l("Please choose")), SelectChoice("a", "东湖街道")])
    mail = StringField(l("Mail"), validators=[Optional(), Email()])
    number = IntegerField(l("Number"), validators=[Optional()])
    password = PasswordField(l("Password"), validators=[Optional()])
    public = BooleanField(l("May be published"))


def sample_house(folder: Path, clock: DrivenClock | None = None, **settings: Any) -> House[ServiceSettings]:
    """A house on a SQLite file in ``folder``."""
    loaded = load(ServiceSettings, "sample", {}, data_folder=folder, **settings)
    return open_house("sample", loaded, clock=clock or DrivenClock(NOW))


def bearer(key: SigningKey, staff: Staff = OFFICER, now: datetime = NOW) -> str:
    """A staff token."""
    return sign_token(staff, key, now)


def sample_app(house: House[ServiceSettings], **options: Any) -> Flask:
    """The application."""
    staff_key_pair(house.settings.data_folder)
    options.setdefault("nav", NAV)
    options.setdefault("unit_name", lambda unit: Text(zh="澄湖县城市管理局", en="Chenghu City Management"))
    app = make_app(house, "web_sample", **options)
    _pages(app)
    _staff_pages(app)
    _apis(app)
    return app


def _pages(app: Flask) -> None:
    @app.get("/sample")
    def kitchen() -> str:
        return render_template("web_sample/kitchen.html", form=SampleForm(), now=NOW)

    @app.route("/sample/form", methods=["GET", "POST"])
    def form() -> Any:
        filled = SampleForm()
        if filled.validate_on_submit():
            return redirect("/sample", 303)
        return render_template("web_sample/kitchen.html", form=filled, now=NOW)

    @app.get("/refused/<int:status>")
    def refused(status: int) -> str:
        raise Refusal("sample_refused", "Sample %(name)s is refused.", status=status, name="<b>7</b>")

    @app.get("/broken")
    def broken() -> str:
        raise RuntimeError("the citizen wrote: my neighbour's secret")

    @app.get("/away")
    def away() -> str:
        raise OperationalError("select 1", {}, Exception("database is locked"))

    @app.get("/words")
    def words() -> str:
        return " | ".join([t("Not found"), tn("%(n)s lamp", "%(n)s lamps", int(request.args["n"])), client_key()])

    @app.get("/undefined")
    def undefined() -> str:
        return render_template("web_sample/undefined.html")

    @app.post("/plain")
    def plain() -> str:
        return request.form["text"]


def _staff_pages(app: Flask) -> None:
    @app.route("/staff", methods=["GET", "POST"])
    @staff_required()
    def desk() -> str:
        if request.method == "POST":
            return "|".join([current_staff().name, *request.form.getlist("text")])
        return render_template("web_sample/desk.html")

    @app.get("/staff/admin")
    @staff_required("administrator", "supervisor")
    def admin() -> str:
        return "admin"

    @app.post("/sign-in/out")
    def sign_out() -> str:
        return "out"


def _apis(app: Flask) -> None:
    @app.post("/api/sample")
    @api
    def take() -> Any:
        return {"got": body_json(), "traceparent": traceparent()}

    @app.post("/api/small")
    @api
    def small() -> Any:
        return {"got": body_json(limit=20)}

    @app.post("/api/wrong")
    @api
    def wrong() -> Any:
        faults = [
            Refusal("too_long", "Field cannot be longer than %(max)s.", field="title", max=3),
            Refusal("missing", "This field is required.", field="text"),
        ]
        raise InvalidInput(faults)

    @app.get("/api/broken")
    @api
    def broken_api() -> Any:
        raise RuntimeError("the citizen wrote: my neighbour's secret")

    @app.route("/api/staff", methods=["GET", "POST"])
    @api
    @staff_required("officer")
    def staff_api() -> Any:
        return {"name": current_staff().name}
