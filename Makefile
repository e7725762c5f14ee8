VENV := .venv
PY := $(VENV)/bin/python
.DEFAULT_GOAL := help
