package fault_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"tideway/internal/fault"
)

func ExampleList() {
	var l fault.List
	l.Addf("node.csv:3", "n7", "x_coord is %q, expected a number", "east")
	l.Addf("link.csv:9", "e1", "from_node_id %q is not in node.csv", "n8")
	fmt.Println(l.Err("reading city"))
	// Output:
	// reading city: 2 problems
	//   node.csv:3: n7: x_coord is "east", expected a number
	//   link.csv:9: e1: from_node_id "n8" is not in node.csv
}

func TestEmptyListIsNoError(t *testing.T) {
	var l fault.List
	l.Add("x", nil)
	if err := l.Err("nothing"); err != nil {
		t.Fatal(err)
	}
}

func TestAddFlattensNestedProblems(t *testing.T) {
	var inner, outer fault.List
	inner.Addf("", "a", "one")
	inner.Addf("row 2", "b", "two")
	outer.Add("part", fmt.Errorf("wrapped: %w", inner.Err("inner")))
	outer.Add("part", errors.New("plain"))
	err := outer.Err("outer")
	for _, want := range []string{"part: a: one", "row 2: b: two", "part: plain"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q lacks %q", err, want)
		}
	}
	if outer.Len() != 3 {
		t.Errorf("Len = %d, want 3", outer.Len())
	}
}

func TestLongListsAreCutInTextOnly(t *testing.T) {
	var l fault.List
	for i := range 30 {
		l.Addf("", fmt.Sprint(i), "bad")
	}
	err := l.Err("doing").(*fault.Error)
	if !strings.Contains(err.Error(), "and 10 more") || len(err.Problems) != 30 {
		t.Errorf("got %q with %d problems", err, len(err.Problems))
	}
}

func TestAddInNamesTheFile(t *testing.T) {
	var inner, outer fault.List
	inner.Addf("changes[0]", "c1", "one")
	outer.AddIn("a.yaml", inner.Err("inner"))
	outer.AddIn("b.yaml", errors.New("plain"))
	outer.AddIn("c.yaml", nil)
	want := "outer: 2 problems\n  a.yaml: changes[0]: c1: one\n  b.yaml: plain"
	if got := outer.Err("outer").Error(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
