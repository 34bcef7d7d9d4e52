"""The OpenAPI 3.1 document of the HTTP/JSON form: paths and schemas from descriptors, whose comments
become the descriptions, laid over the hand-written parts of openapi_base.yaml.

Schemas follow the proto3 JSON mapping as Envoy's transcoder speaks it: lowerCamelCase names, 64-bit
integers as strings, enums by name, fields without presence always there in answers.
"""

import re

import yaml
from google.protobuf import descriptor_pb2

Field = descriptor_pb2.FieldDescriptorProto

# proto3 JSON forms of scalars; 64-bit integers are strings, since JavaScript's numbers lose digits.
SCALARS = {
    Field.TYPE_DOUBLE: {"type": "number", "format": "double"},
    Field.TYPE_FLOAT: {"type": "number", "format": "float"},
    Field.TYPE_INT32: {"type": "integer", "format": "int32"},
    Field.TYPE_INT64: {"type": "string", "format": "int64"},
    Field.TYPE_BOOL: {"type": "boolean"},
    Field.TYPE_STRING: {"type": "string"},
}
ANY = {
    "type": "object",
    "description": "A message of the type that `@type` names, such as google.rpc.BadRequest.",
    "properties": {"@type": {"type": "string"}},
    "required": ["@type"],
}
WELL_KNOWN = {
    ".google.protobuf.Any": ANY,
    ".google.protobuf.Duration": {"type": "string", "pattern": r"^-?\d+(\.\d+)?s$"},
}


class Descriptors:
    """Messages and enums by full name (".pointsman.v1.Route"), and the comments on each element."""

    def __init__(self, files):
        self.messages, self.enums, self.comments = {}, {}, {}
        for file in files.file:
            texts = {
                tuple(location.path): _text(location.leading_comments)
                for location in file.source_code_info.location
            }
            prefix = f".{file.package}"
            for number, service in enumerate(file.service):
                for index, method in enumerate(service.method):
                    self._note(texts, f"{prefix}.{service.name}.{method.name}", (6, number, 2, index))
            for number, message in enumerate(file.message_type):
                self._add_message(texts, prefix, message, (4, number))
            for number, enum in enumerate(file.enum_type):
                self._add_enum(texts, prefix, enum, (5, number))
        self.methods = {
            f"{file.package}.{service.name}.{method.name}": method
            for file in files.file for service in file.service for method in service.method
        }

    def _note(self, texts, name, path):
        self.comments[name] = texts.get(path, "")

    def _add_message(self, texts, prefix, message, path):
        name = f"{prefix}.{message.name}"
        self.messages[name] = message
        self._note(texts, name, path)
        for number, field in enumerate(message.field):
            self._note(texts, f"{name}.{field.name}", (*path, 2, number))
        for number, oneof in enumerate(message.oneof_decl):
            self._note(texts, f"{name}.{oneof.name}", (*path, 8, number))
        for number, nested in enumerate(message.nested_type):
            self._add_message(texts, name, nested, (*path, 3, number))

    def _add_enum(self, texts, prefix, enum, path):
        name = f"{prefix}.{enum.name}"
        self.enums[name] = enum
        self._note(texts, name, path)
        for number, value in enumerate(enum.value):
            self._note(texts, f"{name}.{value.name}", (*path, 2, number))


def _text(comment):
    """A comment without the space that follows each `//`."""
    return "\n".join(line.removeprefix(" ") for line in comment.rstrip().splitlines())


def schema_name(full_name):
    """".pointsman.v1.RouteRequest" -> "RouteRequest"; nested messages keep their parent's name."""
    return re.sub(r"^\.(pointsman\.v1|google\.rpc)\.", "", full_name)


class Schemas:
    """Schemas of the messages asked for and of all that they hold."""

    def __init__(self, descriptors):
        self.descriptors = descriptors
        self.made = {}

    def reference(self, full_name):
        if full_name in WELL_KNOWN:
            return WELL_KNOWN[full_name]
        name = schema_name(full_name)
        if name not in self.made:
            self.made[name] = None  # holds its place: messages may hold one another
            is_enum = full_name in self.descriptors.enums
            self.made[name] = self._enum(full_name) if is_enum else self._message(full_name)
        return {"$ref": f"#/components/schemas/{name}"}

    def _enum(self, full_name):
        values = [value.name for value in self.descriptors.enums[full_name].value]
        meanings = [f"- `{v}`: {self.descriptors.comments[f'{full_name}.{v}']}" for v in values]
        summary = self.descriptors.comments[full_name]
        return {"type": "string", "enum": values, "description": "\n".join([summary, "", *meanings])}

    def _message(self, full_name):
        message = self.descriptors.messages[full_name]
        schema = {"type": "object", "description": self.descriptors.comments[full_name]}
        if message.field:
            schema["properties"] = {f.json_name: self._field(full_name, f) for f in message.field}
        for index, oneof in enumerate(message.oneof_decl):
            # `optional` makes a oneof of its own in descriptors. Those that are written must be set,
            # all in this API.
            names = [f.json_name for f in message.field
                     if f.HasField("oneof_index") and f.oneof_index == index and not f.proto3_optional]
            if names:
                note = self.descriptors.comments[f"{full_name}.{oneof.name}"]
                schema["description"] += f"\n\nOne of {', '.join(f'`{n}`' for n in names)}: {note}"
                schema["oneOf"] = [{"required": [name]} for name in names]
        return schema

    def _field(self, message_name, field):
        entry = self.descriptors.messages.get(field.type_name)
        if entry and entry.options.map_entry:
            schema = {"type": "object", "additionalProperties": self._value(entry.field[1])}
        elif field.label == Field.LABEL_REPEATED:
            schema = {"type": "array", "items": self._value(field)}
        else:
            schema = dict(self._value(field))
        comment = self.descriptors.comments[f"{message_name}.{field.name}"]
        return schema | ({"description": comment} if comment else {})

    def _value(self, field):
        if field.type in (Field.TYPE_MESSAGE, Field.TYPE_ENUM):
            return self.reference(field.type_name)
        return SCALARS[field.type]


def _json(schema, examples=None):
    content = {"schema": schema}
    if examples:
        content["examples"] = examples
    return {"application/json": content}


def make(files, rules, base):
    """`base` with paths and schemas. Its `x-examples` hold, by method, examples of "request" and
    "response", and `x-errors` the errors of every path by HTTP status."""
    document = {key: value for key, value in base.items() if not key.startswith("x-")}
    descriptors = Descriptors(files)
    schemas = Schemas(descriptors)
    status = schemas.reference(".google.rpc.Status")
    errors = {
        code: {"description": error["description"], "content": _json(status, error.get("examples"))}
        for code, error in base["x-errors"].items()
    }
    document["paths"] = {}
    for rule in rules:
        method = descriptors.methods[rule["selector"]]
        verb = "get" if "get" in rule else "post"
        examples = base["x-examples"].get(method.name, {})
        operation = {
            "operationId": method.name,
            "description": descriptors.comments[f".{rule['selector']}"],
        }
        if "body" in rule:
            content = _json(schemas.reference(method.input_type), examples.get("request"))
            operation["requestBody"] = {"required": True, "content": content}
        content = _json(schemas.reference(method.output_type), examples.get("response"))
        operation["responses"] = {"200": {"description": "OK", "content": content}} | errors
        document["paths"][rule[verb]] = {verb: operation}
    for detail in ("BadRequest", "RetryInfo"):  # the details of our errors
        schemas.reference(f".google.rpc.{detail}")
    document.setdefault("components", {})["schemas"] = dict(sorted(schemas.made.items()))
    return document


class _Dumper(yaml.SafeDumper):
    """Without anchors, and long texts as literal blocks."""

    def ignore_aliases(self, data):
        return True


def _represent_text(dumper, text):
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)


def dump(document):
    """YAML, UTF-8."""
    head = "# Made by deploy/envoy/make_descriptors: change the .proto files or openapi_base.yaml instead.\n"
    body = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return (head + body).encode()
