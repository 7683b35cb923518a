package labcli

import (
	"runtime"
	"runtime/debug"
)

// engine names the build that simulates: part of every result, since equal
// bits are promised for one build and architecture.
func engine() string {
	text := runtime.GOARCH
	if info, ok := debug.ReadBuildInfo(); ok {
		text = info.Main.Version + " " + text
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				text += " " + s.Value[:min(12, len(s.Value))]
			}
		}
	}
	return text
}
