"""Receipt numbers with check digits and query codes: made, grouped, and read again as people write them."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from datetime import date
from typing import Final

#: Letters that begin a number; whoever types it may leave them out.
PREFIX: Final = "WZ"
#: Serials of one day. Large, so that numbers can be drawn at random and need no counter to queue at:
#: at 100 000 petitions a day one in a thousand draws is taken already and drawn again.
SERIALS: Final = 10**8
#: Crockford's base 32: no I, L, O, U (https://www.crockford.com/base32.html).
ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
#: Characters of a query code, 5 bits each: 50 bits.
CODE_LENGTH: Final = 10
#: What people type for a digit: letters that look like one.
_LOOKS_LIKE: Final = str.maketrans({"O": "0", "Q": "0", "I": "1", "L": "1"})
_CODE_LOOKS_LIKE: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "U": "V"})


def make_number(day: date, serial: int) -> str:
    """A receipt number such as ``WZ-260302-48173-92657``: day, eight-digit serial, two check digits.

    The check digits are ISO/IEC 7064 MOD 97-10 (as in IBAN): every wrong digit and every swap of neighbours
    is noticed. The number is no secret; the query code is.

    Args:
        day: the day of filing in the jurisdiction's zone.
        serial: 0 … ``SERIALS`` - 1, drawn at random.
    """
    digits = f"{day:%y%m%d}{serial:08d}"
    digits += f"{check_digits(digits):02d}"
    return f"{PREFIX}-{digits[:6]}-{digits[6:11]}-{digits[11:]}"


def check_digits(digits: str) -> int:
    """ISO/IEC 7064 MOD 97-10: what makes the whole leave 1 when divided by 97."""
    return 98 - int(digits) * 100 % 97


def read_number(typed: str) -> str | None:
    """The number in its one written form; None when it is not one, or its check digits say that it is misspelt.

    Spaces, dashes, full-width digits, lower case, O for 0, I or l for 1 and a missing prefix are put right.
    """
    text = "".join(c for c in unicodedata.normalize("NFKC", typed[:64]).upper() if c.isalnum())
    digits = text.removeprefix(PREFIX).translate(_LOOKS_LIKE)
    if len(digits) != 16 or not (digits.isascii() and digits.isdigit()) or int(digits) % 97 != 1:
        return None
    return f"{PREFIX}-{digits[:6]}-{digits[6:11]}-{digits[11:]}"


def make_code(key: bytes, petition_id: str) -> str:
    """The query code of a petition, such as ``7KQ2M-X90TA``: 50 bits of a keyed hash of its id.

    Derived, never stored: whoever repeats a filing gets the same code again, and the database alone opens
    nothing.

    Args:
        key: the house's key for query codes.
        petition_id: the petition's id.
    """
    value = int.from_bytes(hashlib.blake2b(petition_id.encode(), key=key, digest_size=8).digest(), "big")
    letters = "".join(ALPHABET[value >> 5 * i & 31] for i in range(CODE_LENGTH))
    return f"{letters[:5]}-{letters[5:]}"


def code_opens(key: bytes, petition_id: str, typed: str) -> bool:
    """Whether ``typed`` is the petition's query code, however it is spelt; takes the same time for every wrong one."""
    text = "".join(c for c in unicodedata.normalize("NFKC", typed[:64]).upper() if c.isalnum())
    given = text.translate(_CODE_LOOKS_LIKE)
    return hmac.compare_digest(make_code(key, petition_id).replace("-", "").encode(), given.encode())
