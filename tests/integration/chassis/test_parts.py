"""The real parts that tests run on: each starts, is real, and is fresh for every test."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage
from urllib.parse import urlsplit

import amqp
import kombu
import pytest
from elasticsearch8 import Elasticsearch
from playwright.sync_api import Browser
from sqlalchemy import create_engine, text

from tests.parts.mail import MailServer


@pytest.mark.broker
@pytest.mark.parametrize("time", [1, 2])
def test_each_test_has_an_empty_broker_of_its_own(broker: str, time: int) -> None:
    with kombu.Connection(broker) as connection:
        declared = connection.default_channel.queue_declare("one", durable=True, auto_delete=False)
        assert declared.message_count == 0
        connection.default_channel.basic_publish(amqp.Message("x"), routing_key="one")


@pytest.mark.postgres
@pytest.mark.parametrize("time", [1, 2])
def test_each_test_has_an_empty_durable_postgres_of_its_own(postgres_database: str, time: int) -> None:
    engine = create_engine(postgres_database)
    with engine.begin() as connection:
        assert connection.execute(text("show fsync")).scalar_one() == "on"
        connection.execute(text("create table one (x int)"))
    engine.dispose()


@pytest.mark.elasticsearch
def test_elasticsearch_is_the_real_server(elasticsearch: str) -> None:
    with Elasticsearch(elasticsearch) as client:
        client.index(index="part", id="1", document={"text": "路灯 不亮"}, refresh=True)
        found = client.search(index="part", query={"match": {"text": "路灯"}})
        client.indices.delete(index="part")
        version = client.nodes.info()["nodes"].popitem()[1]["version"]
    assert [hit["_id"] for hit in found["hits"]["hits"]] == ["1"]
    assert version.startswith("8.19.")


def test_the_mail_server_keeps_what_it_is_handed_and_refuses_when_told(smtp: MailServer) -> None:
    letter = EmailMessage()
    letter["Subject"] = "回执"
    letter.set_content("您的诉求已收到。")
    with smtplib.SMTP("127.0.0.1", urlsplit(smtp.url).port or 0) as client:
        client.send_message(letter, "house@example.org", ["reader@example.org"])
        smtp.answer = "451 later"
        with pytest.raises(smtplib.SMTPDataError):
            client.send_message(letter, "house@example.org", ["reader@example.org"])
    [received] = smtp.wait_for(1)
    assert (received.recipients, received.message["Subject"]) == (("reader@example.org",), "回执")
    assert received.text.strip() == "您的诉求已收到。"


@pytest.mark.browser
def test_the_browser_has_letters_for_chinese(browser: Browser) -> None:
    page = browser.new_page()
    drawn = [
        page.evaluate(
            """letter => {
                const canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
                pen.font = "40px sans-serif";
                pen.fillText(letter, 5, 45);
                return canvas.toDataURL();
            }""",
            letter,
        )
        for letter in "问政"
    ]
    page.close()
    assert drawn[0] != drawn[1]  # letters that a font lacks all look the same
