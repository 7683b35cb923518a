package twin

import (
	"tideway/forecast"
)

// Models returns the models in use, serving ones first.
func (t *Twin) Models() []forecast.ModelInfo { return t.now().runner.Models() }
