package sim

import "runtime"

// rules counts the changes of the engine that change results; results stored
// under an older count are not found again.
const rules = "31"

// Version names the engine's rules and the numeric variant of this build: equal
// inputs give equal bits under equal versions.
const Version = "micro-" + rules + "-" + runtime.GOARCH
