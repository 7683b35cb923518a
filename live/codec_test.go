package live

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tideway/geo"
)

func drawRecord(t *rapid.T) record {
	b := &Batch{Client: rapid.StringN(0, 20, 40).Draw(t, "client"), Sensors: rapid.SliceOfN(rapid.StringN(0, 8, 20), 1, 4).Draw(t, "sensors")}
	r := record{b: b, flags: uint16(rapid.SampledFrom([]int{flagFirst, flagLast, flagFirst | flagLast, flagFirst | flagLast | flagBackfill}).Draw(t, "flags"))}
	sharedEnd := rapid.Bool().Draw(t, "shared")
	for range rapid.IntRange(0, 40).Draw(t, "n") {
		end := int64(1710936000000)
		if !sharedEnd {
			end = rapid.Int64().Draw(t, "end")
		}
		b.Add(uint32(rapid.IntRange(0, len(b.Sensors)-1).Draw(t, "sensor")), geo.Quantity(rapid.Uint8().Draw(t, "quantity")), time.UnixMilli(0), time.Minute, rapid.Float64().Draw(t, "value"))
		b.EndMS[b.Len()-1] = end
		r.verdicts = append(r.verdicts, verdict(rapid.Uint8().Draw(t, "verdict")))
	}
	b.Backfill = r.flags&flagBackfill != 0
	return r
}

func TestMessagesThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := group{seq: rapid.Uint64().Draw(t, "seq"), receivedMS: rapid.Int64().Draw(t, "received")}
		for range rapid.IntRange(0, 4).Draw(t, "records") {
			g.records = append(g.records, drawRecord(t))
		}
		data := g.encode()
		if len(data) > g.size() {
			t.Fatalf("%d bytes, at most %d were foreseen", len(data), g.size())
		}
		got, err := decodeGroup(data)
		if err != nil {
			t.Fatal(err)
		}
		if got.seq != g.seq || got.receivedMS != g.receivedMS || len(got.records) != len(g.records) {
			t.Fatalf("got %+v, want %+v", got, g)
		}
		for i, r := range g.records {
			if !bytes.Equal(got.records[i].b.appendBinary(nil, r.flags|flagVerdicts, got.records[i].verdicts), r.b.appendBinary(nil, r.flags|flagVerdicts, r.verdicts)) {
				t.Fatalf("record %d: got %+v, want %+v", i, got.records[i], r)
			}
		}
		at := rapid.IntRange(0, len(data)-1).Draw(t, "flip")
		data[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, err := decodeGroup(data); err == nil {
			t.Fatalf("a flipped bit at %d was not noticed", at)
		}
	})
}

func FuzzDecodeBinary(f *testing.F) {
	b := &Batch{Client: "k", Sensors: []string{"a", "b"}}
	b.Add(0, geo.Speed, noon, time.Minute, 50)
	b.Add(1, geo.Flow, noon, time.Minute, 600)
	f.Add(b.AppendBinary(nil))
	f.Add((&Batch{}).AppendBinary(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := DecodeBinary(data)
		if err != nil {
			return
		}
		again, err := DecodeBinary(got.AppendBinary(nil))
		if err != nil || len(again.Value) != len(got.Value) || !reflect.DeepEqual(again.EndMS, got.EndMS) {
			t.Fatalf("%+v came back as %+v, %v", got, again, err)
		}
	})
}

func FuzzDecodeGroup(f *testing.F) {
	b := one("k", "a", geo.Speed, noon, 1, 2)
	f.Add(group{seq: 1, records: []record{{b: b, verdicts: []verdict{0, 3}, flags: flagFirst | flagLast}}}.encode())
	f.Fuzz(func(t *testing.T, data []byte) { _, _ = decodeGroup(data) })
}

// TestShortBodiesAskForLittleMemory guards against bodies whose counts promise
// more than they hold.
func TestShortBodiesAskForLittleMemory(t *testing.T) {
	b := &Batch{Sensors: []string{"a"}}
	b.Add(0, geo.Speed, noon, time.Minute, 50)
	data := b.AppendBinary(nil)
	for _, at := range []int{4, 8} {
		broken := bytes.Clone(data[:len(data)-4])
		copy(broken[at:], []byte{0xff, 0xff, 0x3f, 0})
		if _, err := DecodeBinary(sealFrame(broken)); err == nil {
			t.Fatal("counts beyond the body were taken")
		}
	}
}

func sealFrame(body []byte) []byte { return le32(body, crcOf(body)) }

func crcOf(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

func le32(b []byte, v uint32) []byte { return binary.LittleEndian.AppendUint32(b, v) }
