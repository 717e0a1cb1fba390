"""Intake 发现: petitions come in by form, clerk's entry, API and portals; receipts, contacts, status and ratings."""
