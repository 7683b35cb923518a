package api

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"tideway/api/client"
	"tideway/api/wire"
)

func TestNumbersAreWrittenAsTheyRound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v, decimals := rapid.Float64Range(-1e9, 1e9).Draw(t, "v"), rapid.IntRange(0, 4).Draw(t, "decimals")
		got := string(appendNum(nil, v, decimals))
		back, err := strconv.ParseFloat(got, 64)
		scale := math.Pow10(decimals)
		if err != nil || math.Abs(back-v) > .5/scale*(1+1e-9)+1e-6*math.Abs(v)*1e-9 {
			t.Fatalf("%v with %d decimals is written %s", v, decimals, got)
		}
		if strings.Contains(got, ".") && strings.HasSuffix(got, "0") {
			t.Fatalf("%s has trailing zeros", got)
		}
		if !json.Valid([]byte(got)) {
			t.Fatalf("%s is not JSON", got)
		}
	})
	for v, want := range map[float64]string{0: "0", math.Copysign(0, -1): "0", -0.04: "0", 49.96: "50", -1.25: "-1.3", math.Inf(1): "null", math.NaN(): "null", 1e300: "null"} {
		if got := string(appendNum(nil, v, 1)); got != want {
			t.Errorf("%v is written %s, want %s", v, got, want)
		}
	}
}

func TestDegreesKeepACentimetre(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := round7(rapid.Float64Range(-180, 180).Draw(t, "degrees"))
		back, err := strconv.ParseFloat(string(appendDegrees(nil, v)), 64)
		if err != nil || math.Abs(back-v) > 1e-9 {
			t.Fatalf("%v is written %s", v, appendDegrees(nil, v))
		}
	})
}

func TestStringsAreJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		var back string
		if err := json.Unmarshal(appendString(nil, s), &back); err != nil || back != strings.ToValidUTF8(s, "\ufffd") {
			t.Fatalf("%q is written %s", s, appendString(nil, s))
		}
	})
}

func TestEncodingsAreNegotiated(t *testing.T) {
	twin := newFakeTwin(t, 60)
	s, base := serve(t, Options{Twin: twin})
	tr := transport(t)
	tr.DisableCompression = true
	wait(t, client.New(base, "", tr))
	want := s.view().state.bytes()
	ask := func(accept, match string) (*http.Response, []byte) {
		req, _ := http.NewRequest(get, base+wire.PathState, nil)
		req.Header.Set("Accept-Encoding", accept)
		req.Header.Set("If-None-Match", match)
		resp, err := (&http.Client{Transport: tr}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		raw, _ := io.ReadAll(resp.Body)
		return resp, raw
	}
	tags := map[string]bool{}
	for accept, coding := range map[string]string{"": "", "gzip": "gzip", "br, gzip;q=0.5, zstd": "zstd", "zstd;q=0, gzip": "gzip", "identity": ""} {
		resp, raw := ask(accept, "")
		if got := resp.Header.Get("Content-Encoding"); got != coding {
			t.Errorf("Accept-Encoding %q is answered in %q", accept, got)
		}
		if plain := unpack(t, coding, raw); !bytes.Equal(plain, want) {
			t.Errorf("Accept-Encoding %q: other bytes", accept)
		}
		tag := resp.Header.Get("ETag")
		tags[tag] = true
		for _, match := range []string{tag, `"x", ` + tag, "W/" + tag, "*"} {
			if resp, raw := ask(accept, match); resp.StatusCode != http.StatusNotModified || len(raw) > 0 {
				t.Errorf("If-None-Match %s: status %d", match, resp.StatusCode)
			}
		}
	}
	if len(tags) != 3 {
		t.Errorf("three encodings have the tags %v", tags)
	}
	twin.publish(2)
	for s.view().forecast.Seq != 2 {
	}
	for tag := range tags {
		if resp, _ := ask("", tag); resp.StatusCode != http.StatusOK {
			t.Errorf("a tag of the state before: status %d", resp.StatusCode)
		}
	}
}

func unpack(t *testing.T, coding string, raw []byte) []byte {
	t.Helper()
	var r io.Reader = bytes.NewReader(raw)
	var err error
	switch coding {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "zstd":
		var d *zstd.Decoder
		if d, err = zstd.NewReader(r); err == nil {
			defer d.Close()
			r = d
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// TestTheHandWrittenFormsAreTheTypes decodes every hand-written document into
// its wire type, which must know every field and lack none.
func TestTheHandWrittenFormsAreTheTypes(t *testing.T) {
	twin := newFakeTwin(t, 60)
	v := newView(twin.forecast, newPlaces(twin.city))
	for name, c := range map[string]struct {
		raw  []byte
		into any
	}{
		"state": {v.encodeState(), &wire.State{}}, "geojson": {v.encodeGeoJSON(), &wire.FeatureCollection{}},
		"forecasts": {v.encodeForecasts(), &wire.Forecasts{}}, "congestion": {v.encodeCongestion(), &wire.CongestionList{}},
	} {
		d := json.NewDecoder(bytes.NewReader(c.raw))
		d.DisallowUnknownFields()
		if err := d.Decode(c.into); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		again, err := json.Marshal(c.into)
		if err != nil {
			t.Fatal(err)
		}
		var a, b any
		if json.Unmarshal(c.raw, &a) != nil || json.Unmarshal(again, &b) != nil || !equalJSON(a, b) {
			t.Errorf("%s: the hand-written form and the type's own differ", name)
		}
	}
}

func equalJSON(a, b any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return bytes.Equal(x, y)
}

func TestThePageIsServedWithItsPolicy(t *testing.T) {
	page := fstest.MapFS{"index.html": {Data: []byte("<html>Tideway")}, "assets/app.js": {Data: bytes.Repeat([]byte("let a;"), 500)}}
	_, base := serve(t, Options{Twin: newFakeTwin(t, 4), Page: page})
	tr := transport(t)
	for path, want := range map[string]string{"/": "text/html; charset=utf-8", "/index.html": "text/html; charset=utf-8", "/assets/app.js": "text/javascript; charset=utf-8"} {
		resp, err := (&http.Client{Transport: tr}).Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != want || !strings.Contains(resp.Header.Get("Content-Security-Policy"), "default-src 'self'") || resp.Header.Get("ETag") == "" {
			t.Errorf("%s: %s %v", path, resp.Status, resp.Header)
		}
	}
}

func BenchmarkEncodeState(b *testing.B) {
	twin := newFakeTwin(b, 10_000)
	v := newView(twin.forecast, newPlaces(twin.city))
	for b.Loop() {
		v.encodeState()
	}
}

func BenchmarkEncodeCongestion(b *testing.B) {
	twin := newFakeTwin(b, 10_000)
	v := newView(twin.forecast, newPlaces(twin.city))
	for b.Loop() {
		v.encodeCongestion()
	}
}
