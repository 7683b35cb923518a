package store

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tideway/geo"
)

func open(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// model is what the store should hold: the newest value of every key and end.
type model map[Key]map[int64]Point

func (m model) put(k Key, p Point) {
	if m[k] == nil {
		m[k] = map[int64]Point{}
	}
	m[k][p.EndMS] = p
}

func (m model) read(k Key, from, to int64) []Point {
	var out []Point
	for _, p := range m[k] {
		if p.EndMS >= from && p.EndMS < to {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b Point) int { return int(a.EndMS - b.EndMS) })
	return out
}

func TestFilesHoldTheNewestOfEveryValue(t *testing.T) {
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue { // it writes to disk: 5 cases unless asked otherwise
		f.Value.Set(map[bool]string{true: "2", false: "5"}[testing.Short()])
		defer f.Value.Set(f.DefValue)
	}
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "store")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		s, want, seq := must(Open(dir))(t), model{}, uint64(0)
		keys := []Key{{"a", geo.Speed}, {"a", geo.Flow}, {"ab", geo.Speed}, {"b", geo.Occupancy}, {"none", geo.Flow}}
		check := func() {
			from := rapid.Int64Range(-2*dayMS, 3*dayMS).Draw(t, "from")
			to := from + rapid.Int64Range(0, 3*dayMS).Draw(t, "length")
			got, err := s.Read(context.Background(), 1, keys, from, to)
			if err != nil {
				t.Fatal(err)
			}
			for i, k := range keys {
				if w := want.read(k, from, to); len(w)+len(got[i]) > 0 && !reflect.DeepEqual(got[i], w) {
					t.Fatalf("%v from %d to %d: got %v, want %v", k, from, to, got[i], w)
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"": func(*rapid.T) { check() },
			"seal": func(t *rapid.T) {
				seq++
				b := Batch{Seq: seq, FeedSeq: seq}
				for _, k := range keys[:4] {
					sp := SeriesPoints{Key: k, Points: drawPoints(t, k.Quantity)}
					for _, p := range sp.Points {
						want.put(k, p)
					}
					b.Series = append(b.Series, sp)
				}
				if err := s.Seal(b); err != nil {
					t.Fatal(err)
				}
			},
			"compact": func(*rapid.T) {
				if _, err := s.Compact(context.Background(), rapid.Int64Range(-dayMS, 4*dayMS).Draw(t, "closed")); err != nil {
					t.Fatal(err)
				}
			},
			"reopen": func(*rapid.T) {
				s = must(Open(dir))(t)
				if got, _ := s.Generation().Sealed(); got != seq {
					t.Fatalf("sealed up to %d, want %d", got, seq)
				}
				if err := s.Verify(); err != nil {
					t.Fatal(err)
				}
			},
		})
	})
}

func drawPoints(t *rapid.T, q geo.Quantity) []Point {
	ends := rapid.SliceOfNDistinct(rapid.Int64Range(-dayMS/60000, 3*dayMS/60000), 0, 8, rapid.ID).Draw(t, "minutes")
	slices.Sort(ends)
	var out []Point
	for _, m := range ends {
		v := math.Round(rapid.Float64Range(-100, 900).Draw(t, "value")*math.Pow10(rapid.IntRange(0, 3).Draw(t, "decimals"))) / 100
		out = append(out, Point{m * 60000, uint32(rapid.IntRange(0, 3600).Draw(t, "interval")), Encode(q, v, Doubt(rapid.IntRange(0, 2).Draw(t, "doubt")))})
	}
	return out
}

func TestCodesReturnDecimalsBitForBit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := geo.Quantity(rapid.IntRange(0, len(geo.Quantities())-1).Draw(t, "quantity"))
		n := rapid.Int64Range(-200_000_000, 200_000_000).Draw(t, "n")
		want := float64(n) / scale(q)
		c := Encode(q, want, Stuck)
		if c.Value(q) != want || c.Doubt() != Stuck || c == 0 || !c.SameValue(c.With(Good)) || c.With(Jumped).Value(q) != want {
			t.Fatalf("%v came back as %v", want, c.Value(q))
		}
	})
}

// large is a day of n series a minute apart.
func large(n int) Batch {
	b := Batch{Seq: 1, FeedSeq: 1}
	for i := range n {
		sp := SeriesPoints{Key: Key{fmt.Sprintf("sensor-%05d", i), geo.Speed}, Points: make([]Point, 1440)}
		v := 50.0
		for k := range sp.Points {
			v += math.Sin(float64(i*7919+k*104729)) * 2
			sp.Points[k] = Point{int64(k) * 60000, 60, Encode(geo.Speed, math.Round(v*10)/10, Good)}
		}
		b.Series = append(b.Series, sp)
	}
	return b
}

func TestManyRowGroupsAndSingleSeries(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 2 million values")
	}
	s, b := open(t, t.TempDir()), large(1500) // 2.2 M rows: three row groups
	if err := s.Seal(b); err != nil {
		t.Fatal(err)
	}
	keys := []Key{b.Series[1400].Key, b.Series[0].Key, b.Series[731].Key}
	got, err := s.Read(context.Background(), 0, keys, 100*60000, 200*60000)
	if err != nil {
		t.Fatal(err)
	}
	for i, at := range []int{1400, 0, 731} {
		if !reflect.DeepEqual(got[i], b.Series[at].Points[100:200]) {
			t.Fatalf("series %d: %d values, %v ...", at, len(got[i]), got[i][:min(2, len(got[i]))])
		}
	}
	if err := s.Seal(Batch{Seq: 2, FeedSeq: 2, Series: []SeriesPoints{{b.Series[731].Key, []Point{{150 * 60000, 60, Encode(geo.Speed, 1, Good)}}}}}); err != nil {
		t.Fatal(err)
	}
	if did, err := s.Compact(context.Background(), dayMS); !did || err != nil {
		t.Fatal(did, err)
	}
	got, err = s.Read(context.Background(), 0, keys, 149*60000, 152*60000)
	if err != nil || len(got[2]) != 3 || got[2][1].Code.Value(geo.Speed) != 1 || got[2][2] != b.Series[731].Points[151] {
		t.Fatalf("%v, %v", got, err)
	}
}

func TestDamageIsNamedAndNeverPanics(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if err := s.Seal(Batch{Seq: 1, Series: large(3).Series, Rejected: []Rejected{{ReceivedMS: 5, Sensor: "x", Reason: "range"}}}); err != nil {
		t.Fatal(err)
	}
	for _, f := range slices.Concat(s.now.Load().Parts, s.now.Load().Rejected) {
		path := s.path(f)
		whole, _ := os.ReadFile(path)
		for at := 0; at < len(whole); at += max(1, len(whole)/150) {
			broken := bytes.Clone(whole)
			broken[at] ^= 0x41
			os.WriteFile(path, broken, 0o644)
			if err := s.Verify(); err == nil || !strings.Contains(err.Error(), f.Name) {
				t.Fatalf("a flipped byte at %d of %s was not noticed: %v", at, f.Name, err)
			}
			_, _ = s.Read(context.Background(), 1, []Key{{"sensor-00001", geo.Speed}}, 0, dayMS)
		}
		os.WriteFile(path, whole[:len(whole)/2], 0o644)
		if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), f.Name) {
			t.Fatalf("a truncated %s was not noticed: %v", f.Name, err)
		}
		os.WriteFile(path, whole, 0o644)
	}
	if err := s.Verify(); err != nil {
		t.Fatal(err)
	}
	if files, err := VerifyDir(dir); err != nil || files != 2 {
		t.Fatalf("%d files, %v; want 2", files, err)
	}
}

func TestLeftoversOfACrashAreRemoved(t *testing.T) {
	dir := t.TempDir()
	if err := open(t, dir).Seal(large(1)); err != nil {
		t.Fatal(err)
	}
	stray := filepath.Join(dir, historyDir, "1970-01-01.000099.parquet.tmp")
	os.WriteFile(stray, []byte("half"), 0o644)
	s := open(t, dir)
	if _, err := os.Stat(stray); !errors.Is(err, os.ErrNotExist) {
		t.Fatal("a half-written file survived")
	}
	if n, rows, _ := s.Generation().Totals(); n != 1 || rows != 1440 {
		t.Fatal(n, rows)
	}
	if err := s.Seal(Batch{Seq: 0}); err == nil {
		t.Fatal("sealing went backwards")
	}
}

func TestCheckpointIsWholeOrRefused(t *testing.T) {
	s := open(t, t.TempDir())
	read := func() (string, error) {
		var got []byte
		err := s.ReadCheckpoint(func(r *bufio.Reader) (err error) { got, err = io.ReadAll(r); return err })
		return string(got), err
	}
	if _, err := read(); err != ErrNoCheckpoint {
		t.Fatal(err)
	}
	body := strings.Repeat("state ", 1<<18)
	if err := s.WriteCheckpoint(func(w io.Writer) error { _, err := io.WriteString(w, body); return err }); err != nil {
		t.Fatal(err)
	}
	if got, err := read(); err != nil || got != body {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	if err := s.WriteCheckpoint(func(io.Writer) error { return errors.New("no") }); err == nil {
		t.Fatal("a failed checkpoint was installed")
	}
	path := filepath.Join(s.dir, checkpointFile)
	whole, _ := os.ReadFile(path)
	for _, at := range []int{0, 7, 100, len(whole) - 1} {
		broken := bytes.Clone(whole)
		broken[at] ^= 1
		os.WriteFile(path, broken, 0o644)
		if _, err := read(); !errors.Is(err, ErrNoCheckpoint) {
			t.Fatalf("a flipped bit at %d was not noticed: %v", at, err)
		}
	}
	os.WriteFile(path, whole[:9], 0o644)
	if _, err := read(); !errors.Is(err, ErrNoCheckpoint) {
		t.Fatal(err)
	}
}

func FuzzSpans(f *testing.F) {
	f.Add(encodeSpans([]span{{Key{"a", geo.Speed}, 0, 5}, {Key{"ab", geo.Flow}, 5, 7}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		spans, err := decodeSpans(data)
		if err != nil {
			return
		}
		again, err := decodeSpans(encodeSpans(spans))
		if err != nil || !reflect.DeepEqual(again, spans) {
			t.Fatalf("%v came back as %v, %v", spans, again, err)
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	batch, dir := large(1000), b.TempDir()
	s := open(b, dir)
	for b.Loop() {
		batch.Seq++
		if err := s.Seal(batch); err != nil {
			b.Fatal(err)
		}
	}
	files, rows, bytes := s.Generation().Totals()
	b.ReportMetric(float64(b.N)*1.44e6/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(bytes)/float64(rows), "B/row")
	_ = files
}

func BenchmarkReadOneSeriesOfADay(b *testing.B) {
	s, batch := open(b, b.TempDir()), large(3000)
	if err := s.Seal(batch); err != nil {
		b.Fatal(err)
	}
	i := 0
	for b.Loop() {
		i = (i + 1777) % 3000
		if got, err := s.Read(context.Background(), 1, []Key{batch.Series[i].Key}, 0, dayMS); err != nil || len(got[0]) != 1440 {
			b.Fatal(err)
		}
	}
}

func must[T any](v T, err error) func(interface{ Fatal(...any) }) T {
	return func(t interface{ Fatal(...any) }) T {
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
