package geo

import "fmt"

// Names of enumerated values are those written in files and in the API.

// String returns the name of the control.
func (c Control) String() string { return name(controlNames, int(c)) }

// String returns the name of the class.
func (c RoadClass) String() string { return name(roadClassNames, int(c)) }

// String returns the name of the class.
func (c Class) String() string { return name(classNames, int(c)) }

// String returns the name of the turn.
func (t Turn) String() string { return name(turnNames, int(t)) }

// String returns the name of the right of way.
func (r RightOfWay) String() string { return name(rightOfWayNames, int(r)) }

// String returns the name of the kind.
func (k ConflictKind) String() string { return name(conflictKindNames, int(k)) }

// String returns the name of the quantity.
func (q Quantity) String() string { return name(quantityNames, int(q)) }

// ParseControl returns the control with the given name.
func ParseControl(s string) (Control, error) { return parse[Control](controlNames, s, "control") }

// ParseRoadClass returns the road class with the given name.
func ParseRoadClass(s string) (RoadClass, error) {
	return parse[RoadClass](roadClassNames, s, "road class")
}

// ParseClass returns the class with the given name.
func ParseClass(s string) (Class, error) { return parse[Class](classNames, s, "class") }

// ParseTurn returns the turn with the given name.
func ParseTurn(s string) (Turn, error) { return parse[Turn](turnNames, s, "turn") }

// ParseRightOfWay returns the right of way with the given name.
func ParseRightOfWay(s string) (RightOfWay, error) {
	return parse[RightOfWay](rightOfWayNames, s, "right of way")
}

// ParseConflictKind returns the kind with the given name.
func ParseConflictKind(s string) (ConflictKind, error) {
	return parse[ConflictKind](conflictKindNames, s, "conflict kind")
}

// ParseQuantity returns the quantity with the given name.
func ParseQuantity(s string) (Quantity, error) { return parse[Quantity](quantityNames, s, "quantity") }

func name(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("unknown(%d)", i)
}

func parse[T ~uint8](names []string, s, what string) (T, error) {
	for i, n := range names {
		if n == s {
			return T(i), nil
		}
	}
	return 0, fmt.Errorf("%s %q is unknown, expected one of %v", what, s, names)
}

// MarshalText gives the quantity's name, so that JSON keys and values read it.
func (q Quantity) MarshalText() ([]byte, error) { return []byte(q.String()), nil }

// UnmarshalText reads a quantity's name.
func (q *Quantity) UnmarshalText(b []byte) (err error) {
	*q, err = ParseQuantity(string(b))
	return err
}
