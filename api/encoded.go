package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// encoded is a document in the forms in which it is served. Each form is made
// when it is first asked for and kept; it must not be copied.
type encoded struct {
	contentType string
	once        sync.Once
	make        func() []byte
	plain       []byte
	tag         []byte // hex of the content's hash, without quotes
	quoted      []byte // tag with quotes: the entity tag
	gzip        lazyBytes
	zstd        lazyBytes
}

type lazyBytes struct {
	once sync.Once
	b    []byte
}

// newEncoded returns a document whose bytes come from make, called at most
// once.
func newEncoded(contentType string, make func() []byte) *encoded {
	return &encoded{contentType: contentType, make: make}
}

func (e *encoded) bytes() []byte {
	e.once.Do(func() {
		e.plain = e.make()
		e.make = nil
		sum := sha256.Sum256(e.plain)
		e.quoted = append(hex.AppendEncode([]byte{'"'}, sum[:8]), '"')
		e.tag = e.quoted[1 : len(e.quoted)-1]
	})
	return e.plain
}

// zstdEncoder is stateless in use: EncodeAll is safe from many goroutines.
var zstdEncoder, _ = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))

func (e *encoded) zstdBytes() []byte {
	e.zstd.once.Do(func() { e.zstd.b = zstdEncoder.EncodeAll(e.bytes(), nil) })
	return e.zstd.b
}

func (e *encoded) gzipBytes() []byte {
	e.gzip.once.Do(func() {
		var b bytes.Buffer
		w, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed)
		w.Write(e.bytes()) // a Buffer's writer cannot fail
		w.Close()
		e.gzip.b = b.Bytes()
	})
	return e.gzip.b
}

// minCompressed is the size below which compressing saves less than a packet.
const minCompressed = 1024

// send answers with the document: 304 when the client has it, else in the best
// encoding that the client accepts. The tag of each encoding is its own, as
// RFC 9110 asks of strong tags; any of them matches.
func (e *encoded) send(c *fiber.Ctx, cacheControl string) error {
	plain := e.bytes()
	h := &c.Response().Header
	h.Set(fiber.HeaderVary, "Accept-Encoding")
	h.Set(fiber.HeaderCacheControl, cacheControl)
	if have := c.Request().Header.Peek(fiber.HeaderIfNoneMatch); len(have) > 0 && (have[0] == '*' || bytes.Contains(have, e.tag)) {
		h.SetBytesV(fiber.HeaderETag, e.quoted)
		c.Status(fiber.StatusNotModified)
		return nil
	}
	body, coding, suffix := plain, "", ""
	if len(plain) >= minCompressed {
		switch accept := c.Request().Header.Peek(fiber.HeaderAcceptEncoding); {
		case accepts(accept, "zstd"):
			body, coding, suffix = e.zstdBytes(), "zstd", "-z"
		case accepts(accept, "gzip"):
			body, coding, suffix = e.gzipBytes(), "gzip", "-g"
		}
	}
	if coding != "" {
		h.Set(fiber.HeaderContentEncoding, coding)
	}
	h.Set(fiber.HeaderETag, `"`+string(e.tag)+suffix+`"`)
	h.SetContentType(e.contentType)
	c.Response().SetBodyRaw(body) // not copied: the document is never written to again
	return nil
}

// accepts reports whether the Accept-Encoding header allows a coding: named and
// not given the weight 0.
func accepts(header []byte, coding string) bool {
	for part := range bytes.SplitSeq(header, []byte(",")) {
		name, params, _ := bytes.Cut(part, []byte(";"))
		if string(bytes.TrimSpace(name)) != coding {
			continue
		}
		q, weighted := bytes.CutPrefix(bytes.TrimSpace(params), []byte("q="))
		w, err := strconv.ParseFloat(string(q), 64)
		return !weighted || (err == nil && w > 0)
	}
	return false
}

// appendNum appends v with at most the given decimals and no trailing zeros;
// null for NaN and infinities. It costs a fifth of strconv.AppendFloat.
func appendNum(b []byte, v float64, decimals int) []byte {
	scale := [...]float64{1, 10, 100, 1000, 1e4}[decimals]
	x := math.Round(v * scale)
	if !(math.Abs(x) < 1e15) {
		return append(b, "null"...)
	}
	n := int64(x)
	if n < 0 {
		b, n = append(b, '-'), -n
	}
	unit := int64(scale)
	b = strconv.AppendInt(b, n/unit, 10)
	rest := n % unit
	if rest == 0 {
		return b
	}
	b = append(b, '.')
	for rest > 0 {
		unit /= 10
		b = append(b, byte('0'+rest/unit))
		rest %= unit
	}
	return b
}

// appendColumn appends `"name":[...]` with n numbers.
func appendColumn[F ~float32 | ~float64](b []byte, name string, n, decimals int, at func(i int) F) []byte {
	b = append(append(append(b, '"'), name...), `":[`...)
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendNum(b, float64(at(i)), decimals)
	}
	return append(b, ']')
}

// appendString appends s as a JSON string.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] >= 0x7f || s[i] == '"' || s[i] == '\\' {
			raw, _ := json.Marshal(s) // a string always has a JSON form
			return append(b, raw...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// appendTime appends t in UTC, null when it is zero.
func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, "null"...)
	}
	return append(t.UTC().AppendFormat(append(b, '"'), time.RFC3339Nano), '"')
}
