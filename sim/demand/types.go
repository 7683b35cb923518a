package demand

import (
	"time"

	"tideway/geo"
	"tideway/unit"
)

// NewType returns a vehicle type with the defaults of its class: those that
// SUMO 1.15 gives the vehicle class of the same meaning (read from the running
// program by its vehicle type queries; Van is its "delivery"). Persons on board
// are assumptions of ours, used for person-delay figures alone.
func NewType(id string, class geo.Class) VehicleType {
	t := VehicleType{ID: id, Class: class, Length: 5, MinGap: 2.5, MaxSpeed: 200 * unit.KMH,
		Accel: 2.6, Decel: 4.5, EmergencyDecel: 9, Sigma: 0.5, Tau: time.Second,
		SpeedFactor: 1, SpeedDev: 0.1, SpeedMin: 0.2, SpeedMax: 2, PassengerWeight: 1.3}
	if int(class) < len(classDefaults) && classDefaults[class] != nil {
		classDefaults[class](&t)
	}
	return t
}

var classDefaults = [...]func(*VehicleType){
	geo.Taxi: func(t *VehicleType) { t.SpeedDev = 0.05 },
	geo.Van: func(t *VehicleType) {
		t.Length, t.SpeedDev, t.PassengerWeight = 6.5, 0.05, 1.1
	},
	geo.Truck: func(t *VehicleType) {
		t.Length, t.MaxSpeed, t.SpeedDev, t.PassengerWeight = 7.1, 130*unit.KMH, 0.05, 1
		t.Accel, t.Decel, t.EmergencyDecel = 1.3, 4, 7
	},
	geo.Bus: func(t *VehicleType) {
		t.Length, t.MaxSpeed, t.SpeedDev, t.PassengerWeight = 12, 100*unit.KMH, 0, 20
		t.Accel, t.Decel, t.EmergencyDecel = 1.2, 4, 7
	},
	geo.Motorcycle: func(t *VehicleType) {
		t.Length, t.PassengerWeight = 2.2, 1.1
		t.Accel, t.Decel, t.EmergencyDecel = 6, 10, 10
	},
	geo.Emergency: func(t *VehicleType) { t.Length, t.SpeedDev, t.PassengerWeight = 6.5, 0, 2 },
	geo.Bicycle: func(t *VehicleType) {
		t.Length, t.MinGap, t.MaxSpeed, t.PassengerWeight = 1.6, 0.5, 50*unit.KMH, 1
		t.Accel, t.Decel, t.EmergencyDecel = 1.2, 3, 7
	},
	geo.Pedestrian: func(t *VehicleType) {
		t.Length, t.MinGap, t.MaxSpeed, t.PassengerWeight = 0.215, 0.25, 37.58*unit.KMH, 1
		t.Accel, t.Decel, t.EmergencyDecel = 1.5, 2, 5
	},
	geo.Tram: func(t *VehicleType) {
		t.Length, t.MaxSpeed, t.Sigma, t.SpeedDev, t.PassengerWeight = 22, 80*unit.KMH, 0, 0, 60
		t.Accel, t.Decel, t.EmergencyDecel = 1, 3, 7
	},
	geo.Rail: func(t *VehicleType) {
		t.Length, t.MinGap, t.MaxSpeed, t.Sigma, t.SpeedDev, t.PassengerWeight = 135, 5, 160*unit.KMH, 0, 0, 150
		t.Accel, t.Decel, t.EmergencyDecel = 0.25, 1.3, 5
	},
}
