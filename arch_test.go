package tideway_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// layers is the import table: who may import whom, and why the edges that are
// missing are missing. A package is ruled by its longest matching prefix. What
// an allowed package may import in turn is allowed too (checked per package).
var layers = []struct {
	pkg    string
	may    []string
	reason string
}{
	{"unit", nil, "quantities are below everything"},
	{"geo", []string{"unit", "geo"}, "the city knows nothing of demand, readings or runs"},
	{"geo/synth", []string{"unit", "geo", "internal/rng"}, "an invented city is drawn by chance, and still knows nothing of demand"},
	{"sim", []string{"unit", "geo", "sim", "internal/rng"}, "the engine is pure: it is fed, it answers, it reads no clock and no feed"},
	{"sim/air", []string{"unit", "geo", "sim/air"}, "air physics serves simulated and measured traffic alike, so it knows neither engine nor feed"},
	{"live", []string{"unit", "geo", "live", "internal/bus"}, "readings arrive whether or not anything is forecast or simulated"},
	{"forecast", []string{"unit", "geo", "live", "forecast", "sim/air"}, "forecasts see snapshots and history, never a scenario"},
	{"scenarios", []string{"unit", "geo", "sim", "scenarios", "geo/utdf", "internal/rng"}, "scenarios and forecasts do not know each other; the twin joins them"},
	{"internal/bus", nil, "messages are bytes here"},
	{"internal/rng", nil, "random streams are arithmetic"},
	{"internal/parallel", nil, "used from anywhere, so it uses nothing"},
	{"internal/fault", nil, "used from anywhere, so it uses nothing"},
	{"internal/usage", nil, "asks the system alone"},
	{"internal/testdata", nil, "finds folders"},
	{"internal/leak", nil, "looks at goroutines of tests"},
	{"internal/netdraw", []string{"unit", "geo"}, "draws cities for tests"},
	{"internal/world", []string{"unit", "geo", "sim", "live", "internal/rng", "internal/world"}, "the hidden world turns a simulation into readings"},
	{"internal/twin", []string{"unit", "geo", "sim", "live", "forecast", "scenarios", "internal/bus", "internal/world", "internal/rng"}, "assembles the city's loop below the API"},
	{"api/wire", nil, "what travels is plain data, so clients need nothing else"},
	{"api/client", []string{"api/wire"}, "a client is built from the wire alone"},
	{"api", []string{"unit", "geo", "sim", "live", "forecast", "scenarios", "internal/twin", "internal/bus", "api", "api/wire"}, "the service"},
	{"api/ui", nil, "assets"},
	{"cmd", []string{""}, "flags and configuration live here"},
	{"bench", []string{""}, "comparisons may use everything"},
	{"examples", []string{""}, "examples may use everything"},
}

// commandPackages hold the bodies of command-line verbs, split from cmd so
// that each stays small; they may import what they convert between.
var commandPackages = []string{"internal/aircli", "internal/citycli", "internal/livecli", "internal/simcli", "internal/gencli",
	"internal/forecastcli", "internal/hcmcli", "internal/labcli"}

var anywhere = []string{"internal/parallel", "internal/fault", "internal/usage"}

const module = "tideway/"

func TestImportsFollowTheTable(t *testing.T) {
	for file, f := range sources(t) {
		pkg := path.Dir(file)
		if slices.Contains(commandPackages, pkg) || pkg == "." {
			continue
		}
		rule := ruleFor(pkg)
		if rule < 0 {
			t.Errorf("%s: package %s is not in the import table", file, pkg)
			continue
		}
		test := strings.HasSuffix(file, "_test.go")
		for _, imp := range f.Imports {
			to, _ := strconv.Unquote(imp.Path.Value)
			if !strings.HasPrefix(to, module) {
				continue
			}
			to = strings.TrimPrefix(to, module)
			// Tests may draw cities and compare with readers; they do not shape the product.
			if to != pkg && !test && !within(to, anywhere) && !within(to, layers[rule].may) {
				t.Errorf("%s imports %s, but %s", file, to, layers[rule].reason)
			}
		}
	}
}

func ruleFor(pkg string) int {
	best := -1
	for i, l := range layers {
		if (pkg == l.pkg || strings.HasPrefix(pkg, l.pkg+"/")) && (best < 0 || len(l.pkg) > len(layers[best].pkg)) {
			best = i
		}
	}
	return best
}

func within(pkg string, allowed []string) bool {
	return slices.ContainsFunc(allowed, func(a string) bool {
		return a == "" || pkg == a || strings.HasPrefix(pkg, a+"/")
	})
}

func TestThirdPartyStaysWhereItBelongs(t *testing.T) {
	owners := map[string][]string{
		"github.com/gofiber/fiber/v2":      {"api"},
		"github.com/sourcegraph/conc":      {"internal/parallel"},
		"github.com/nats-io/nats-server":   {"internal/bus"},
		"github.com/nats-io/nats.go":       {"internal/bus"},
		"github.com/alecthomas/kong":       append([]string{"cmd/tideway"}, commandPackages...),
		"github.com/paulmach/orb/geojson":  {"api"}, // layers of vector tiles are made of its features
		"gonum.org/v1/gonum/graph":         {},
		"github.com/prometheus":            {"api"},
		"github.com/parquet-go/parquet-go": {"live/store", "live", "internal/world", "bench"},
	}
	for file, f := range sources(t) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, imp := range f.Imports {
			to, _ := strconv.Unquote(imp.Path.Value)
			for lib, where := range owners {
				if (to == lib || strings.HasPrefix(to, lib+"/")) && !slices.Contains(where, path.Dir(file)) && !within(path.Dir(file), where) {
					t.Errorf("%s imports %s, which belongs to %v", file, to, where)
				}
			}
		}
	}
}

func TestPureCoreReadsNoClockFileOrGlobalRandom(t *testing.T) {
	pure := []string{"unit", "geo", "sim", "sim/signal", "sim/demand", "sim/air", "forecast", "forecast/traffic", "forecast/air", "scenarios", "scenarios/report"}
	for file, f := range sources(t) {
		if strings.HasSuffix(file, "_test.go") || !slices.Contains(pure, path.Dir(file)) {
			continue
		}
		for _, imp := range f.Imports {
			if to, _ := strconv.Unquote(imp.Path.Value); slices.Contains([]string{"os", "math/rand", "net/http"}, to) {
				t.Errorf("%s imports %s: readers, writers and seeds are passed in", file, to)
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" && (s.Sel.Name == "Now" || s.Sel.Name == "Since" || s.Sel.Name == "Sleep") {
					t.Errorf("%s uses time.%s: clocks are passed in", file, s.Sel.Name)
				}
				if x, ok := s.X.(*ast.Ident); ok && x.Name == "rand" && !slices.Contains([]string{"New", "NewPCG", "Rand", "PCG", "Source"}, s.Sel.Name) {
					t.Errorf("%s uses the global rand.%s: seeds are passed in", file, s.Sel.Name)
				}
			}
			return true
		})
	}
}

func TestEveryExportIsDocumented(t *testing.T) {
	packages := map[string]bool{}
	for file, f := range sources(t) {
		pkg := path.Dir(file)
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		packages[pkg] = packages[pkg] || f.Doc.Text() != ""
		for _, d := range f.Decls {
			for _, name := range undocumented(d) {
				t.Errorf("%s: exported %s has no doc comment", file, name)
			}
		}
	}
	for pkg, ok := range packages {
		if !ok {
			t.Errorf("package %s has no package doc", pkg)
		}
	}
}

func undocumented(d ast.Decl) (names []string) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc.Text() == "" && exportedReceiver(d) {
			names = append(names, d.Name.Name)
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() && d.Doc.Text() == "" && s.Doc.Text() == "" && s.Comment.Text() == "" {
					names = append(names, s.Name.Name)
				}
			case *ast.ValueSpec:
				if s.Names[0].IsExported() && d.Doc.Text() == "" && s.Doc.Text() == "" && s.Comment.Text() == "" {
					names = append(names, s.Names[0].Name)
				}
			}
		}
	}
	return names
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return true
		}
	}
}

// A bare float64 whose name speaks of a quantity must end with its unit.
var (
	quantityWord = regexp.MustCompile(`(?i)(speed|length|flow|density|distance|concentration|delay|width|height|headway|duration|accel)`)
	unitEnding   = regexp.MustCompile(`(KMH|MPH|MPS2?|VPH|VPKM|UGM3|MGM3|KM|M|MS|S|H|Deg|Share|Ratio|Factor|PerCPUSecond|Sigma|Dev|Min|Max|MAE|RMSE|Z)$`)
)

func TestExportedQuantitiesCarryUnits(t *testing.T) {
	for file, f := range sources(t) {
		if strings.HasSuffix(file, "_test.go") || strings.HasPrefix(file, "unit/") || strings.HasPrefix(file, "api/wire/") {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			s, ok := n.(*ast.StructType)
			if !ok {
				return true
			}
			for _, field := range s.Fields.List {
				typ, bare := field.Type.(*ast.Ident)
				if !bare || (typ.Name != "float64" && typ.Name != "float32") {
					continue
				}
				for _, name := range field.Names {
					if name.IsExported() && quantityWord.MatchString(name.Name) && !unitEnding.MatchString(name.Name) {
						t.Errorf("%s: field %s is a bare %s; use a unit type or end the name with its unit", file, name.Name, typ.Name)
					}
				}
			}
			return true
		})
	}
}

// sources parses every Go file of the module, by slash-separated path.
func sources(t *testing.T) map[string]*ast.File {
	t.Helper()
	out := map[string]*ast.File{}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && d.Name() != "." || d.Name() == "testdata" && file != "internal/testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(file, ".go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		out[filepath.ToSlash(file)] = f
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
