package store

import (
	"fmt"
	"io"
	"os"

	"github.com/parquet-go/parquet-go"
)

// Rejected is a reading that was refused, kept so that its sender can be told
// why.
type Rejected struct {
	ReceivedMS int64   `parquet:"received,timestamp(millisecond),delta,zstd"`
	Client     string  `parquet:"client,dict,zstd"`
	Sensor     string  `parquet:"sensor,dict,zstd"`
	Quantity   string  `parquet:"quantity,dict,zstd"`
	EndMS      int64   `parquet:"end,timestamp(millisecond),delta,zstd"`
	Value      float64 `parquet:"value,zstd"`
	Reason     string  `parquet:"reason,dict,zstd"`
}

func (s *Store) sealRejected(m *manifest, rs []Rejected) error {
	if len(rs) == 0 {
		return nil
	}
	sortRejected(rs)
	f := File{Name: fmt.Sprintf("%s/%06d.parquet", rejectedDir, m.Next), Rows: int64(len(rs)),
		FirstMS: rs[0].ReceivedMS, LastMS: rs[len(rs)-1].ReceivedMS}
	m.Next++
	w, err := writeFile(s.path(f), func(out io.Writer) error {
		pw := parquet.NewGenericWriter[Rejected](out, parquet.Compression(codec))
		if _, err := pw.Write(rs); err != nil {
			return err
		}
		return pw.Close()
	})
	if err != nil {
		return err
	}
	f.Bytes, f.CRC32C = w.bytes, w.crc
	if err := f.verify(s.dir); err != nil {
		return err
	}
	m.Rejected = append(m.Rejected, f)
	return nil
}

// RejectedBetween returns sealed rejected readings received in the given time,
// in order, at most limit.
func (s *Store) RejectedBetween(fromMS, toMS int64, limit int) ([]Rejected, error) {
	var out []Rejected
	for _, f := range s.now.Load().Rejected {
		if f.LastMS < fromMS || f.FirstMS >= toMS {
			continue
		}
		rs, err := parquet.ReadFile[Rejected](s.path(f))
		if os.IsNotExist(err) { // expired meanwhile
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", f.Name, err)
		}
		for _, r := range rs {
			if r.ReceivedMS >= fromMS && r.ReceivedMS < toMS && len(out) < limit {
				out = append(out, r)
			}
		}
	}
	return out, nil
}
