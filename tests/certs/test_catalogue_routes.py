from apiflask import APIFlask

from certs.catalogue import Catalogue
from certs.catalogue_routes import blueprint
from trust.http import parsing, problems
from trust.kernel.randomness import SystemRandomness


def client():
    app = APIFlask(__name__)
    problems.install(app, randomness=SystemRandomness())
    parsing.install(app, max_json_bytes=1024, max_upload_bytes=1024)
    app.register_blueprint(blueprint(Catalogue.load()))
    return app.test_client()


def test_every_type_is_listed_with_both_names():
    types = client().get("/api/v1/types").json["types"]
    assert {kind["name_zh"] for kind in types} >= {"食品经营许可证", "居住证"}
    assert all(kind["name"] and "fields" not in kind for kind in types)


def test_a_type_tells_its_fields_and_their_limits():
    code = Catalogue.load().types[0].code
    answer = client().get(f"/api/v1/types/{code}")
    assert answer.cache_control.max_age == 300
    field = next(field for field in answer.json["fields"] if field["role"] == "holder-name")
    assert field["required"] is True
    assert field["max_length"] > 0


def test_an_unknown_type_is_a_problem_document():
    answer = client().get("/api/v1/types/11000000DEM0YX001B999")
    assert (answer.status_code, answer.json["code"]) == (404, "type-unknown")
