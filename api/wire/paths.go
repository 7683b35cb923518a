package wire

// Paths of version 1. Braces hold parameters; ids in them are percent-encoded.
const (
	PathCity            = "/v1/city"
	PathSegments        = "/v1/segments"
	PathSegment         = "/v1/segments/{id}"
	PathSegmentSeries   = "/v1/segments/{id}/series"
	PathSegmentTypical  = "/v1/segments/{id}/typical"
	PathZones           = "/v1/zones"
	PathZone            = "/v1/zones/{id}"
	PathSignals         = "/v1/signals"
	PathSignal          = "/v1/signals/{id}"
	PathSignalEvaluate  = "/v1/signals/{id}/evaluate"
	PathSensors         = "/v1/sensors"
	PathSensor          = "/v1/sensors/{id}"
	PathSensorSeries    = "/v1/sensors/{id}/series"
	PathReadings        = "/v1/readings"
	PathState           = "/v1/state"
	PathStateGeoJSON    = "/v1/state.geojson"
	PathForecasts       = "/v1/forecasts"
	PathCongestion      = "/v1/congestion"
	PathCongestionOf    = "/v1/congestion/segments/{id}"
	PathCongestionZones = "/v1/congestion/zones"
	PathCongestionZone  = "/v1/congestion/zones/{id}"
	PathAir             = "/v1/air"
	PathAirStation      = "/v1/air/stations/{id}"
	PathAirZones        = "/v1/air/zones"
	PathAirZone         = "/v1/air/zones/{id}"
	PathAirGrid         = "/v1/air/grid"
	PathAirReceptor     = "/v1/air/receptor"
	PathAirLimits       = "/v1/air/limits"
	PathWeather         = "/v1/weather"
	PathSkill           = "/v1/skill"
	PathModels          = "/v1/models"
	PathModelRollback   = "/v1/models/rollback"
	PathScenarios       = "/v1/scenarios"
	PathScenarioCheck   = "/v1/scenarios/validate"
	PathScenario        = "/v1/scenarios/{id}"
	PathScenarioDiff    = "/v1/scenarios/{id}/diff/{other}"
	PathScenarioFork    = "/v1/scenarios/{id}/fork"
	PathScenarioRebase  = "/v1/scenarios/{id}/rebase"
	PathScenarioSUMO    = "/v1/scenarios/{id}/plans.add.xml"
	PathOptimisations   = "/v1/optimisations"
	PathOptimisation    = "/v1/optimisations/{id}"
	PathRecommendations = "/v1/recommendations"
	PathRecommendation  = "/v1/recommendations/{id}"
	PathRuns            = "/v1/runs"
	PathRun             = "/v1/runs/{id}"
	PathRunEvents       = "/v1/runs/{id}/events"
	PathComparisons     = "/v1/comparisons"
	PathComparison      = "/v1/comparisons/{id}"
	PathComparisonMap   = "/v1/comparisons/{id}/segments"
	PathReport          = "/v1/comparisons/{id}/report"
	PathReportCSV       = "/v1/comparisons/{id}/report.csv"
	PathStream          = "/v1/stream"
	PathTile            = "/v1/tiles/{z}/{x}/{y}.mvt"
	PathMetrics         = "/metrics"
	PathHealth          = "/healthz"
	PathReady           = "/readyz"
	PathOpenAPI         = "/openapi.yaml"
)

// Content types beyond application/json.
const (
	TypeNDJSON  = "application/x-ndjson"
	TypeColumns = "application/vnd.tideway.columns+json"
	TypeBinary  = "application/vnd.tideway.columns" // docs/readings.md gives the layout
	TypeGeoJSON = "application/geo+json"
	TypeTile    = "application/vnd.mapbox-vector-tile"
	TypeProblem = "application/problem+json"
	TypeSSE     = "text/event-stream"
	TypeHTML    = "text/html"
	TypeCSV     = "text/csv"
	TypeXML     = "application/xml"
)

// Scopes of an API key. Each also needs to be granted by name: admin does not
// imply the others.
const (
	ScopeRead   = "read"   // every GET
	ScopeIngest = "ingest" // readings, weather
	ScopePlan   = "plan"   // scenarios and runs
	ScopeAdmin  = "admin"  // sensors, models
)

// HeaderIdempotency names a batch of readings: repeating it returns the first
// answer.
const HeaderIdempotency = "Idempotency-Key"
