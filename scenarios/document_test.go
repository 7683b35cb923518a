package scenarios

import (
	"encoding/json"
	"strings"
	"testing"
)

const sample = `{"name":"longer green","about":"try it","changes":[
 {"op":"signal.adjust","select":{"id":["b","a","a"]},"split":[{"stage":1,"add_s":5}],"cycle_add_s":5,"window":{"from":"07:00","to":"09:00"},
  "expect":[{"field":"cycle_s","value": 68}]},
 {"op":"demand.scale","factor":1.1,"class":["car"]}]}`

const sampleYAML = `
changes:
  - split: [{add_s: 5.0, stage: 1}]
    select: {id: [a, b]}
    cycle_add_s: 5
    op: signal.adjust
    expect: [{value: 68, field: cycle_s}]
    window: {to: "09:00:00", from: "07:00"}
  - {op: demand.scale, class: [car], factor: 1.1}
about: try it
name: longer green
`

func TestIdentityIsTheMeaning(t *testing.T) {
	a, err := Parse([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	b, err := Parse([]byte(sampleYAML))
	if err != nil {
		t.Fatal(err)
	}
	if a.ID() != b.ID() {
		t.Errorf("JSON and YAML differ:\n%s\n%s", a.Canonical(), b.Canonical())
	}
	again, err := Parse(a.Canonical())
	if err != nil || string(again.Canonical()) != string(a.Canonical()) {
		t.Errorf("canonical form is not stable: %v", err)
	}
	a.Changes[1].Args.(*ScaleDemand).Factor = 1.2
	if a.ID() == b.ID() {
		t.Error("another factor must give another id")
	}
}

func TestParseNamesEveryProblem(t *testing.T) {
	_, err := Parse([]byte(`{"title":"x","changes":[{"op":"signal.explode"},{"op":"demand.scale","factor":"lots","colour":1},
		{"op":"segment.close","select":{"ids":["a"]}},{"op":"segment.close","id":"c1","select":{"id":"a"}},7,{"id":"c1","op":"signal.adjust","split":[{"stage":1.5}],
		"window":{"from":"7","to":"25:61"}}]}`))
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"title: is not a field", "name: is empty", "changes[0].op: signal.explode: is not an operation", `changes[1].factor: is "lots", expected a number`,
		"changes[1].colour: is not a field here", "changes[2].select.ids: is not a field", `changes[3].select.id: is "a", expected a list of texts`,
		"changes[4]: is 7", "changes[5].split[0].stage: is 1.5, expected a whole number", `changes[5].window.from: is "7", expected a time of day`, "appears twice"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no problem says %q in\n%v", want, err)
		}
	}
}

func TestDiff(t *testing.T) {
	a, _ := Parse([]byte(`{"name":"a","changes":[{"id":"x","op":"segment.close","select":{"id":["1"]}},{"id":"y","op":"demand.scale","factor":2}]}`))
	b, _ := Parse([]byte(`{"name":"b","changes":[{"id":"y","op":"demand.scale","factor":3},{"id":"z","op":"demand.scale","factor":1}]}`))
	got := strings.Join(Diff(a, b), "\n")
	for _, want := range []string{`name: "a" becomes "b"`, "removed x", "altered y", "added z"} {
		if !strings.Contains(got, want) {
			t.Errorf("no line says %q in\n%s", want, got)
		}
	}
	if d := Diff(a, a); len(d) != 0 {
		t.Errorf("equal documents: %v", d)
	}
	swapped := *a
	swapped.Changes = []Change{a.Changes[1], a.Changes[0]}
	if d := Diff(a, &swapped); len(d) != 1 || !strings.Contains(d[0], "moved x") {
		t.Errorf("moved: %v", d)
	}
}

func TestClock(t *testing.T) {
	for text, want := range map[string]string{"07:30": "07:30:00", "26:00:05": "26:00:05"} {
		c, err := ParseClock(text)
		if err != nil || c.String() != want {
			t.Errorf("%s: %v, %v", text, c, err)
		}
	}
	for _, text := range []string{"", "7", "7:60", "-1:00", "a:b", "1:2:3:4"} {
		if _, err := ParseClock(text); err == nil {
			t.Errorf("%q accepted", text)
		}
	}
}

func TestNumberNullIsUnknown(t *testing.T) {
	var n Number
	if err := json.Unmarshal([]byte("null"), &n); err != nil || n.Known() {
		t.Errorf("%v, %v", n, err)
	}
	if b, _ := json.Marshal(n); string(b) != "null" {
		t.Errorf("%s", b)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte(sampleYAML))
	f.Add([]byte(`{"name":"n","changes":[{"op":"signal.setPlan","plan":{"stages":[{"states":"G"}]}}]}`))
	base := crossBase(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Parse(data)
		if err != nil {
			return
		}
		again, err := Parse(d.Canonical())
		if err != nil || again.ID() != d.ID() {
			t.Fatalf("canonical form of %q does not read back: %v", data, err)
		}
		_, _ = Apply(d, base)
	})
}

func TestSchemaHasABranchPerOperation(t *testing.T) {
	var s struct {
		Properties struct {
			Changes struct {
				Items struct{ OneOf []map[string]any }
			}
		}
	}
	if err := json.Unmarshal(Schema(), &s); err != nil {
		t.Fatal(err)
	}
	if got := len(s.Properties.Changes.Items.OneOf); got != len(opSpecs()) {
		t.Errorf("%d branches for %d operations", got, len(opSpecs()))
	}
}
