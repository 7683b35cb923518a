package scenarios

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"tideway/internal/fault"
)

// decodeStrict fills the struct that into points to from a JSON object. Unlike
// encoding/json it reports every problem, each with the path of its field, and
// fields that do not exist are problems.
func decodeStrict(raw []byte, into any, path string, bad *fault.List) {
	decodeValue(raw, reflect.ValueOf(into).Elem(), path, bad)
}

func decodeValue(raw []byte, v reflect.Value, path string, bad *fault.List) {
	raw = bytes.TrimSpace(raw)
	if bytes.Equal(raw, []byte("null")) {
		return
	}
	switch {
	case v.Type() == reflect.TypeFor[Change]():
		decodeChange(raw, v.Addr().Interface().(*Change), path, bad)
	case v.Type() == reflect.TypeFor[json.RawMessage]():
		v.SetBytes(compact(raw))
	case v.CanAddr() && v.Addr().Type().Implements(reflect.TypeFor[json.Unmarshaler]()):
		decodeLeaf(raw, v, path, bad)
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		decodeValue(raw, v.Elem(), path, bad)
	case v.Kind() == reflect.Struct:
		decodeObject(raw, path, []reflect.Value{v}, bad)
	case v.Kind() == reflect.Slice && holdsStructs(v.Type()):
		decodeList(raw, v, path, bad)
	default:
		decodeLeaf(raw, v, path, bad)
	}
}

func compact(raw []byte) []byte {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return raw
	}
	return b.Bytes()
}

func holdsStructs(t reflect.Type) bool { return t.Elem().Kind() == reflect.Struct }

func decodeLeaf(raw []byte, v reflect.Value, path string, bad *fault.List) {
	if err := json.Unmarshal(raw, v.Addr().Interface()); err != nil {
		bad.Addf(path, "", "is %s, expected %s", short(raw), typeWord(v.Type()))
	}
	if k := v.Kind(); (k == reflect.Slice || k == reflect.Map) && v.Len() == 0 {
		v.SetZero() // an empty list and none mean the same
	}
}

func decodeList(raw []byte, v reflect.Value, path string, bad *fault.List) {
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		bad.Addf(path, "", "is %s, expected a list", short(raw))
		return
	}
	if len(items) == 0 {
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, item := range items {
		if bytes.Equal(item, []byte("null")) {
			bad.Addf(fmt.Sprintf("%s[%d]", path, i), "", "is null, expected an object")
			continue
		}
		decodeValue(item, v.Index(i), fmt.Sprintf("%s[%d]", path, i), bad)
	}
}

// decodeObject spreads the object's fields over several structs.
func decodeObject(raw []byte, path string, structs []reflect.Value, bad *fault.List) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		bad.Addf(path, "", "is %s, expected an object", short(raw))
		return
	}
	var known []string
	for _, s := range structs {
		for _, f := range reflect.VisibleFields(s.Type()) {
			name := fieldName(f)
			if name == "" {
				continue
			}
			known = append(known, name)
			if item, ok := fields[name]; ok {
				decodeValue(item, s.FieldByIndex(f.Index), join(path, name), bad)
				delete(fields, name)
			}
		}
	}
	unknown := make([]string, 0, len(fields))
	for name := range fields {
		unknown = append(unknown, name)
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		bad.Addf(join(path, name), "", "is not a field here, expected one of %s", strings.Join(known, ", "))
	}
}

// decodeChange reads the common fields and, by op, the arguments.
func decodeChange(raw []byte, c *Change, path string, bad *fault.List) {
	var head struct {
		Op Op `json:"op"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		bad.Addf(path, "", "is %s, expected an object with a field op", short(raw))
		return
	}
	spec, ok := specOf(head.Op)
	if !ok {
		bad.Addf(join(path, "op"), string(head.Op), "is not an operation, expected one of %s", strings.Join(opNames(), ", "))
		return
	}
	args := reflect.ValueOf(spec.args())
	decodeObject(raw, path, []reflect.Value{reflect.ValueOf(c).Elem(), args.Elem()}, bad)
	c.Args = args.Interface().(Args)
}

func fieldName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "-" {
		return ""
	}
	return name
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func short(raw []byte) string {
	const most = 60
	if len(raw) > most {
		return string(raw[:most]) + "..."
	}
	return string(raw)
}

func typeWord(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[Clock]():
		return `a time of day such as "07:30"`
	case t.Kind() == reflect.Float64:
		return "a number"
	case t.Kind() == reflect.Int:
		return "a whole number"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.String:
		return "a list of texts"
	case t.Kind() == reflect.Slice:
		return "a list of numbers"
	}
	return "a text"
}
