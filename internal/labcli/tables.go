package labcli

import (
	"bufio"
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"strconv"

	"tideway/geo"
	"tideway/scenarios"
	"tideway/sim"
)

// writeTables writes the rows of a run as CSV, ids as in the city's files,
// units at the end of the names; an empty field is a value that is not known.
func writeTables(dir string, side *scenarios.Case, r *sim.Result) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return errors.Join(
		writeTable(dir, "trips.csv", func(w *csv.Writer) { tripRows(w, side, r) }),
		writeTable(dir, "segments.csv", func(w *csv.Writer) { segmentRows(w, side, &r.Segments) }),
		writeTable(dir, "movements.csv", func(w *csv.Writer) { movementRows(w, side, &r.Movements) }))
}

func writeTable(dir, name string, rows func(*csv.Writer)) error {
	f, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	buf := bufio.NewWriterSize(f, 1<<16)
	w := csv.NewWriter(buf)
	rows(w)
	w.Flush()
	return errors.Join(w.Error(), buf.Flush(), f.Close())
}

// num writes a number with at most three decimals, nothing for NaN.
func num(v float64) string {
	if v != v {
		return ""
	}
	return strconv.FormatFloat(v, 'f', -1, 32)
}

func whole[T int | uint32](v T) string { return strconv.FormatInt(int64(v), 10) }

var tripStates = [...]string{"waiting", "driving", "arrived", "impossible"}

func tripRows(w *csv.Writer, side *scenarios.Case, r *sim.Result) {
	_ = w.Write([]string{"trip_id", "type", "state", "depart_s", "inserted_s", "arrived_s", "time_loss_s", "waiting_s", "stopped_s", "stops", "distance_m", "released", "rerouted"})
	for _, t := range r.Trips {
		_ = w.Write([]string{side.Demand.Trips[t.Trip].ID, side.Demand.Types[t.Type].ID, tripStates[t.State], num(t.DepartS), num(t.InsertedS), num(t.ArrivedS),
			num(t.TimeLossS), num(t.WaitingS), num(t.StoppedS), whole(t.Stops), num(t.DistanceM), whole(t.Released), strconv.FormatBool(t.Rerouted)})
	}
}

func segmentRows(w *csv.Writer, side *scenarios.Case, t *sim.SegmentTable) {
	_ = w.Write([]string{"segment_id", "begin_s", "entered", "left", "vehicle_s", "speed_kmh", "density_vpkm", "occupancy", "time_loss_s", "waiting_s", "stops", "queue_mean_veh", "queue_max_veh", "queue_back_m"})
	for k := range t.Intervals {
		begin := num((t.Begin.Seconds() + float64(k)*t.Interval.Seconds()))
		for s, seg := range side.City.Segments.All() {
			i := t.Row(k, s)
			_ = w.Write([]string{seg.ID, begin, whole(t.Entered[i]), whole(t.Left[i]), num(float64(t.VehicleS[i])), num(float64(t.SpeedKMH[i])),
				num(float64(t.DensityVPKM[i])), num(float64(t.Occupancy[i])), num(float64(t.TimeLossS[i])), num(float64(t.WaitingS[i])), whole(t.Stops[i]),
				num(float64(t.QueueMeanVeh[i])), num(float64(t.QueueMaxVeh[i])), num(float64(t.QueueBackM[i]))})
		}
	}
}

func movementRows(w *csv.Writer, side *scenarios.Case, t *sim.MovementTable) {
	_ = w.Write([]string{"movement_id", "begin_s", "passed", "delay_s", "green_s", "saturation", "arrivals_on_green", "split_failures"})
	for k := range t.Intervals {
		begin := num((t.Begin.Seconds() + float64(k)*t.Interval.Seconds()))
		for m := range side.City.Movements.All() {
			i := t.Row(k, geo.MovementID(m))
			_ = w.Write([]string{side.City.MovementName(m), begin, whole(t.Passed[i]), num(float64(t.DelayS[i])), num(float64(t.GreenS[i])),
				num(float64(t.Saturation[i])), num(float64(t.ArrivalsOnGreen[i])), whole(t.SplitFailures[i])})
		}
	}
}
