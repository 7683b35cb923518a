// Package aircli holds the bodies of the verbs tideway air factors, disperse,
// validate and backtest: it reads and writes the files, the physics is in
// sim/air, the forecasts are in forecast/air.
//
// Each verb is a struct with kong tags and a Run method that writes its report
// to the given writer: plain lines, or with JSON one object with stable keys.
package aircli

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// Air groups the verbs for mounting as one command.
type Air struct {
	Factors  FactorsCmd  `cmd:"" help:"Evaluate emission functions: a whole table against its check values, or one of the shipped table."`
	Disperse DisperseCmd `cmd:"" help:"Concentrations at receptors from road links and hours of weather."`
	Validate ValidateCmd `cmd:"" help:"Compare with the line-source tracer experiment of Idaho Falls."`
	Backtest BacktestCmd `cmd:"" help:"Forecast a past period of hourly stations over again and score it."`
}

// report writes v as one JSON object, or the lines of text.
func report(out io.Writer, asJSON bool, v any, text func(io.Writer)) error {
	if !asJSON {
		text(out)
		return nil
	}
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// writeFile writes a file through a buffer; an error names it.
func writeFile(path string, fill func(*bufio.Writer)) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	fill(w)
	if err := w.Flush(); err != nil {
		f.Close()
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}
