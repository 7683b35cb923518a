package live

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// A message of the log holds the batches that were committed together:
//
//	"TWG1"  u64 sequence  i64 time of receipt (ms)  u16 batches
//	        then each batch's binary form as u32 length and bytes
//	u32 CRC-32C of everything before
//
// The sequence rises by one from message to message, apart from the log's own
// numbers: a gap tells that messages were lost, whoever lost them.
const groupMagic = "TWG1"

type group struct {
	seq        uint64
	receivedMS int64
	records    []record
}

// record is a batch of the log with what became of its readings.
type record struct {
	b        *Batch
	verdicts []verdict
	flags    uint16
}

// begins and ends tell whether the record begins or ends its client's batch:
// large batches are logged in pieces.
func (r record) begins() bool { return r.flags&flagFirst != 0 }
func (r record) ends() bool   { return r.flags&flagLast != 0 }

func (g group) encode() []byte {
	le := binary.LittleEndian
	out := append(make([]byte, 0, g.size()), groupMagic...)
	out = le.AppendUint64(out, g.seq)
	out = le.AppendUint64(out, uint64(g.receivedMS))
	out = le.AppendUint16(out, uint16(len(g.records)))
	for _, r := range g.records {
		at := len(out)
		out = le.AppendUint32(out, 0)
		out = r.b.appendBinary(out, r.flags|flagVerdicts, r.verdicts)
		le.PutUint32(out[at:], uint32(len(out)-at-4))
	}
	return le.AppendUint32(out, crc32.Checksum(out, castagnoli))
}

func (g group) size() int {
	n := 64
	for _, r := range g.records {
		n += r.b.encodedSize()
	}
	return n
}

// encodedSize bounds the length of the batch's form in the log.
func (b *Batch) encodedSize() int {
	n := 64 + len(b.Client) + b.Len()*26
	for _, s := range b.Sensors {
		n += 2 + len(s)
	}
	return n
}

func decodeGroup(data []byte) (g group, err error) {
	r, err := openFrame(data, groupMagic)
	if err != nil {
		return g, fmt.Errorf("reading a message of the log: %w", err)
	}
	g.seq, g.receivedMS = r.u64(), int64(r.u64())
	for range int(r.u16()) {
		var rec record
		raw := r.take(int(r.u32()))
		if r.err != nil {
			break
		}
		if rec.b, rec.flags, rec.verdicts, err = decodeBinary(raw); err != nil {
			return g, fmt.Errorf("reading message %d of the log: %w", g.seq, err)
		}
		if len(rec.verdicts) != rec.b.Len() {
			return g, fmt.Errorf("reading message %d of the log: %d verdicts on %d readings", g.seq, len(rec.verdicts), rec.b.Len())
		}
		g.records = append(g.records, rec)
	}
	if r.err != nil {
		return g, fmt.Errorf("reading message %d of the log: %w", g.seq, r.err)
	}
	return g, nil
}
