// Command emeptable makes the compact emission table that ships in
// sim/air/emission from the EMEP/EEA 2019 tier-3 hot table:
//
//	go run ./bench/air/emeptable emep_eea_2019_hot.csv.gz sim/air/emission/emep2019.csv.gz
//
// It keeps NOx, CO, PM and EC of the vehicle classes named below, urban mode,
// every slope and load, nine significant digits, and nothing else.
package main

import (
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"io"
	"log"
	"os"
	"slices"
	"strconv"
	"strings"
)

// pick says which rows of the full table become the classes prefix_EURO.
// Where several technologies share a Euro standard the first listed wins.
type pick struct {
	prefix, category, fuel, segment string
	technologies                    []string
}

var (
	petrol = []string{"GDI+GPF", "GDI", "PFI", ""}
	diesel = []string{"DPF+SCR", "DPF", ""}
	heavy  = []string{"DPF+SCR", "SCR", ""}
	plain  = []string{""}
)

var picks = []pick{
	{"PC_G", "PC", "G", "Medium", petrol},
	{"PC_D", "PC", "D", "Medium", diesel},
	{"PC_GHY", "PC", "G HY", "Medium", petrol},
	{"PC_GPHEV", "PC", "G PHEV G", "Medium", petrol},
	{"PC_LPG", "PC", "LPG BIFUEL LPG", "Medium", plain},
	{"PC_CNG", "PC", "CNG BIFUEL CNG", "Medium", plain},
	{"LCV_G", "LCV", "G", "N1-III", petrol},
	{"LCV_D", "LCV", "D", "N1-III", diesel},
	{"HGV_RT7.5", "TRUCKS", "D", "Rigid <=7.5 t", heavy},
	{"HGV_RT7.5-12", "TRUCKS", "D", "Rigid 7.5 - 12 t", heavy},
	{"HGV_RT14-20", "TRUCKS", "D", "Rigid 14 - 20 t", heavy},
	{"HGV_RT26-28", "TRUCKS", "D", "Rigid 26 - 28 t", heavy},
	{"HGV_AT34-40", "TRUCKS", "D", "Articulated 34 - 40 t", heavy},
	{"UBUS_MID", "BUS", "D", "Urban Buses Midi <=15 t", heavy},
	{"UBUS_STD", "BUS", "D", "Urban Buses Standard 15 - 18 t", heavy},
	{"UBUS_ART", "BUS", "D", "Urban Buses Articulated >18 t", heavy},
	{"UBUS_DHY", "BUS", "D HY D", "Urban Buses Diesel Hybrid", heavy},
	{"UBUS_CNG", "BUS", "CNG", "Urban CNG Buses", plain},
	{"COACH_STD", "BUS", "D", "Coaches Standard <=18 t", heavy},
	{"MOPED_2S", "MC", "G", "Mopeds 2-stroke <50 cc", plain},
	{"MOPED_4S", "MC", "G", "Mopeds 4-stroke <50 cc", plain},
	{"MC_2S", "MC", "G", "Motorcycles 2-stroke >50 cc", plain},
	{"MC_4S_250", "MC", "G", "Motorcycles 4-stroke <250 cc", plain},
	{"MC_4S_250-750", "MC", "G", "Motorcycles 4-stroke 250 - 750 cc", plain},
	{"MC_4S_750", "MC", "G", "Motorcycles 4-stroke >750 cc", plain},
}

var numbers = []string{"MinSpeed_kmh", "MaxSpeed_kmh", "Alpha", "Beta", "Gamma", "Delta", "Epsilon", "Zita", "Hta", "ReductionFactor_perc"}

type key struct{ class, pollutant, slope, load string }

type chosen struct {
	rank int
	line string
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: emeptable FULL.csv.gz OUT.csv.gz")
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func run(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	z, err := gzip.NewReader(in)
	if err != nil {
		return fmt.Errorf("reading %s: %w", from, err)
	}
	best, err := choose(csv.NewReader(z))
	if err != nil {
		return fmt.Errorf("reading %s: %w", from, err)
	}
	return write(to, best)
}

// choose keeps one row per class, pollutant, slope and load.
func choose(r *csv.Reader) (map[key]chosen, error) {
	head, err := r.Read()
	if err != nil {
		return nil, err
	}
	at := map[string]int{}
	for i, name := range head {
		at[name] = i
	}
	best := map[key]chosen{}
	for {
		rec, err := r.Read()
		if err == io.EOF {
			return best, nil
		}
		if err != nil {
			return nil, err
		}
		consider(best, func(name string) string { return rec[at[name]] })
	}
}

func consider(best map[key]chosen, col func(string) string) {
	if !slices.Contains([]string{"NOx", "CO", "PM", "EC"}, col("Pollutant")) {
		return
	}
	if mode := col("Mode"); mode != "" && mode != "Urban Peak" {
		return
	}
	if col("EuroStandard") == "VI" && col("Category") != "MC" {
		return // a duplicate of the stages of Euro 6/VI
	}
	for _, p := range picks {
		rank := slices.Index(p.technologies, col("Technology"))
		if rank < 0 || p.category != col("Category") || p.fuel != col("Fuel") || p.segment != col("Segment") {
			continue
		}
		slope, load := value(col("RoadSlope")), value(col("Load"))
		k := key{p.prefix + "_" + col("EuroStandard"), col("Pollutant"), slope, load}
		if old, ok := best[k]; ok && old.rank <= rank {
			continue
		}
		fields := []string{k.class, k.pollutant, slope, load}
		for _, n := range numbers {
			fields = append(fields, value(col(n)))
		}
		best[k] = chosen{rank, strings.Join(fields, ",")}
	}
}

// value is the number at nine significant digits; an absent slope or load is 0.
func value(s string) string {
	if s == "" {
		return "0"
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		log.Fatalf("%q is not a number", s)
	}
	return strconv.FormatFloat(v, 'g', 9, 64)
}

func write(to string, best map[key]chosen) error {
	lines := make([]string, 0, len(best))
	for _, c := range best {
		lines = append(lines, c.line)
	}
	slices.Sort(lines)
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	z, _ := gzip.NewWriterLevel(f, gzip.BestCompression)
	fmt.Fprintln(z, "class,pollutant,slope,load,vmin_kmh,vmax_kmh,alpha,beta,gamma,delta,epsilon,zeta,eta,reduction")
	for _, l := range lines {
		fmt.Fprintln(z, l)
	}
	if err := z.Close(); err != nil {
		return err
	}
	fmt.Printf("%d rows\n", len(lines))
	return f.Close()
}
