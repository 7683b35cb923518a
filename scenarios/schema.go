package scenarios

import (
	"encoding/json"
	"reflect"
	"strings"
)

// Schema returns the JSON Schema (draft 2020-12) of the scenario document, made
// from the types that Parse reads: one branch per operation, no other fields.
func Schema() []byte {
	root := objectSchema(reflect.TypeFor[Document]())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Tideway scenario"
	root["required"] = []string{"name", "changes"}
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic(err) // maps of texts and lists
	}
	return append(text, '\n')
}

func objectSchema(types ...reflect.Type) map[string]any {
	properties := map[string]any{}
	for _, t := range types {
		for _, f := range reflect.VisibleFields(t) {
			name := fieldName(f)
			if name == "" {
				continue
			}
			s := typeSchema(f.Type)
			if doc := f.Tag.Get("doc"); doc != "" {
				s["description"] = doc
			}
			if enum := f.Tag.Get("enum"); enum != "" {
				s["enum"] = strings.Split(enum, ",")
			}
			properties[name] = s
		}
	}
	return map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
}

func typeSchema(t reflect.Type) map[string]any {
	switch {
	case t == reflect.TypeFor[Change]():
		return changeSchema()
	case t == reflect.TypeFor[Clock]():
		return map[string]any{"type": "string", "pattern": `^\d{2,3}:[0-5]\d(:[0-5]\d)?$`}
	case t == reflect.TypeFor[json.RawMessage]():
		return map[string]any{}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return typeSchema(t.Elem())
	case reflect.Struct:
		return objectSchema(t)
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": typeSchema(t.Elem())}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": typeSchema(t.Elem())}
	case reflect.Array:
		return map[string]any{"type": "array", "items": typeSchema(t.Elem()), "minItems": t.Len(), "maxItems": t.Len()}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Int:
		return map[string]any{"type": "integer"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	}
	return map[string]any{"type": "string"}
}

// changeSchema has one branch per operation.
func changeSchema() map[string]any {
	var branches []any
	for _, spec := range opSpecs() {
		s := objectSchema(reflect.TypeFor[Change](), reflect.TypeOf(spec.args()).Elem())
		s["properties"].(map[string]any)["op"] = map[string]any{"const": string(spec.op)}
		s["required"] = []string{"op"}
		s["title"], s["description"] = string(spec.op), spec.about
		if spec.on == onNothing {
			delete(s["properties"].(map[string]any), "select")
		}
		if !spec.windowed {
			delete(s["properties"].(map[string]any), "window")
		}
		branches = append(branches, s)
	}
	return map[string]any{"oneOf": branches}
}
