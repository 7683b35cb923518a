package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"tideway/scenarios"
)

// labels are the indicators as people call them.
var labels = map[string]string{
	"delay": "Delay per trip", "travel_time": "Travel time", "travel_time_p95": "Travel time, 95 % of trips below", "time_loss": "Time lost on the road",
	"waiting": "Standing time", "stops": "Stops", "departure_delay": "Wait to enter the network", "completed": "Trips finished", "unfinished": "Trips not finished",
	"vehicle_hours": "Vehicle-hours", "queue_back_p95": "Back of queue, 95 % of segments below", "arrivals_on_green": "Arrivals on green",
	"nox": "NOx released", "co2": "CO₂ released", "pm25": "PM2.5 released", "no2_exposure": "NO₂ breathed", "pm25_exposure": "PM2.5 breathed",
	"los_e_f":    "Traffic at level of service E or F",
	"saturation": "Degree of saturation", "split_failures": "Greens that left a queue",
}

// label returns the name of an indicator for people: "delay.bus" is
// "Delay per trip, bus".
func label(kpi string) string {
	if l, ok := labels[kpi]; ok {
		return l
	}
	head, tail, parts := strings.Cut(kpi, ".")
	if l, ok := labels[head]; ok && parts {
		return l + ", " + strings.ReplaceAll(tail, "_", " ")
	}
	text := strings.ReplaceAll(strings.ReplaceAll(kpi, "_", " "), ".", ", ")
	return strings.ToUpper(text[:min(1, len(text))]) + text[min(1, len(text)):]
}

// figure writes a number in three or four digits, with a true minus sign.
func figure(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "–"
	}
	digits := 0
	switch a := math.Abs(v); {
	case a == 0:
		return "0"
	case a < 1:
		digits = 3
	case a < 10:
		digits = 2
	case a < 1000:
		digits = 1
	}
	s := strconv.FormatFloat(v, 'f', digits, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
	}
	if s == "-0" {
		s = "0"
	}
	return strings.ReplaceAll(s, "-", "−")
}

// signed is figure with a plus before what is above zero.
func signed(v float64) string {
	s := figure(v)
	if v > 0 && s != "0" && s != "–" {
		return "+" + s
	}
	return s
}

func number(n scenarios.Number) string { return figure(float64(n)) }

// percent writes a change relative to a base.
func percent(diff, base float64) string {
	if !(math.Abs(base) > 0) || math.IsNaN(diff) {
		return "–"
	}
	v := 100 * diff / math.Abs(base)
	if math.Abs(v) >= 999 {
		return "–"
	}
	return signed(math.Round(v*10)/10) + " %"
}

// verdictWord says what the verdict means.
func verdictWord(v scenarios.Verdict) string {
	switch v {
	case scenarios.Better:
		return "better"
	case scenarios.Worse:
		return "worse"
	}
	return "unclear"
}

// headline is the answer in one or two sentences.
func headline(c *scenarios.Comparison, a *scenarios.Alternative) string {
	if a.Identical {
		return "Nothing changed: every replication ended exactly as the base did."
	}
	var k *scenarios.KPI
	for i := range a.KPIs {
		if a.KPIs[i].KPI == "delay" {
			k = &a.KPIs[i]
		}
	}
	if k == nil || !k.Diff.Known() {
		return "The replications do not allow a statement about delay."
	}
	interval := fmt.Sprintf("%s to %s %s", signed(float64(k.Lo95)), signed(float64(k.Hi95)), k.Unit)
	switch {
	case k.Better == scenarios.Unclear && !k.Lo95.Known():
		return fmt.Sprintf("Delay goes from %s to %s %s per trip in %s; without further replications nobody can say whether by chance.",
			number(k.Base), number(k.Alt), k.Unit, count(c.Replications, "replication"))
	case k.Better == scenarios.Unclear && (k.Lo95 > 0 || k.Hi95 < 0):
		return fmt.Sprintf("No certain difference: delay goes from %s to %s %s per trip. Its 95 %% interval, %s, leaves zero out, but among %s that may be luck (p %s after Holm).",
			number(k.Base), number(k.Alt), k.Unit, interval, count(len(a.KPIs), "indicator"), number(k.PHolm))
	case k.Better == scenarios.Unclear:
		return fmt.Sprintf("No clear difference: delay goes from %s to %s %s per trip, and the 95 %% interval of the difference, %s, holds zero or cannot be trusted.",
			number(k.Base), number(k.Alt), k.Unit, interval)
	}
	verb := "falls"
	if k.Diff > 0 {
		verb = "rises"
	}
	return fmt.Sprintf("Delay %s from %s to %s %s per trip: %s %s (%s), 95 %% interval %s.", verb, number(k.Base), number(k.Alt), k.Unit,
		signed(float64(k.Diff)), k.Unit, percent(float64(k.Diff), float64(k.Base)), interval)
}

// tally says how many indicators went which way.
func tally(a *scenarios.Alternative) string {
	n := map[scenarios.Verdict]int{}
	for _, k := range a.KPIs {
		n[k.Better]++
	}
	return fmt.Sprintf("Of %s %d got better, %d got worse and %d are unclear; the chance of any false verdict among them is at most one in twenty.",
		count(len(a.KPIs), "indicator"), n[scenarios.Better], n[scenarios.Worse], n[scenarios.Unclear])
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// clock writes a time of the demand's clock.
func clock(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d", int(d.Hours()), int(d.Minutes())%60)
}

// arrows makes changes in words easier on the eye.
func arrows(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = strings.ReplaceAll(s, "->", "→")
	}
	return out
}
