package store

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// checkpointMagic starts a checkpoint; the number is its format.
const checkpointMagic = "TWCP0001"

// WriteCheckpoint replaces the checkpoint with what body writes, framed by a
// magic number and a checksum.
func (s *Store) WriteCheckpoint(body func(io.Writer) error) error {
	return writeSynced(filepath.Join(s.dir, checkpointFile), func(w io.Writer) error {
		sum := &summer{w: w}
		if _, err := io.WriteString(sum, checkpointMagic); err != nil {
			return err
		}
		if err := body(sum); err != nil {
			return err
		}
		return binary.Write(w, binary.LittleEndian, sum.crc)
	})
}

// ErrNoCheckpoint means that there is no checkpoint, or none that can be used;
// the state is then rebuilt from files and log.
var ErrNoCheckpoint = errors.New("no usable checkpoint")

// ReadCheckpoint calls body with the checkpoint's content and then verifies
// its checksum: what body built is to be thrown away unless it returns nil.
func (s *Store) ReadCheckpoint(body func(*bufio.Reader) error) error {
	f, err := os.Open(filepath.Join(s.dir, checkpointFile))
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNoCheckpoint
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() < int64(len(checkpointMagic)+4) {
		return fmt.Errorf("%w: it has %d bytes", ErrNoCheckpoint, info.Size())
	}
	sum := &sumReader{r: io.LimitReader(f, info.Size()-4)}
	in := bufio.NewReaderSize(sum, 1<<20)
	magic := make([]byte, len(checkpointMagic))
	if _, err := io.ReadFull(in, magic); err != nil || string(magic) != checkpointMagic {
		return fmt.Errorf("%w: it starts with %q", ErrNoCheckpoint, magic)
	}
	if err := body(in); err != nil {
		return fmt.Errorf("%w: %v", ErrNoCheckpoint, err)
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return err
	}
	var want uint32
	if err := binary.Read(f, binary.LittleEndian, &want); err != nil || want != sum.crc {
		return fmt.Errorf("%w: checksum is %08x, expected %08x", ErrNoCheckpoint, sum.crc, want)
	}
	return nil
}

// sumReader checksums what is read.
type sumReader struct {
	r   io.Reader
	crc uint32
}

// Read passes on.
func (s *sumReader) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.crc = crc32.Update(s.crc, castagnoli, p[:n])
	return n, err
}
