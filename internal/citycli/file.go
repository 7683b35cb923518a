package citycli

import (
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"strings"
)

// inputs opens files, unpacking those that end in .gz, and closes them all.
type inputs struct{ files []*os.File }

func (in *inputs) open(path string) (io.Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	in.files = append(in.files, f)
	if strings.HasSuffix(path, ".gz") {
		return gzip.NewReader(bufio.NewReader(f))
	}
	return f, nil
}

func (in *inputs) close() (err error) {
	for _, f := range in.files {
		err = errors.Join(err, f.Close())
	}
	return err
}
