package api

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"sync"

	"github.com/gofiber/fiber/v2"

	"tideway/api/wire"
	"tideway/scenarios/report"
)

// reportPolicy lets a report show its own styles and drawings and nothing else.
const reportPolicy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// reportCache keeps the reports that were asked for last: drawing one takes a
// simulation of every side.
type reportCache struct {
	mu   sync.Mutex
	page map[string]*encoded
	last []string // keys, the newest at the end
}

const keptReports = 8

func (c *reportCache) get(key string) *encoded {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.page[key]
}

func (c *reportCache) put(key string, e *encoded) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.page == nil {
		c.page = map[string]*encoded{}
	}
	if c.page[key] == nil {
		c.last = append(c.last, key)
	}
	c.page[key] = e
	if len(c.last) > keptReports {
		delete(c.page, c.last[0])
		c.last = slices.Delete(c.last, 0, 1)
	}
}

// reportRoutes are the forms of a comparison for people.
func (s *Server) reportRoutes() {
	s.addRaw(op("getComparisonReport", get, wire.PathReport, "Runs", "What a run found, as one HTML page that prints", 404, 503), wire.TypeHTML, nil, s.getReport)
	s.addRaw(op("getComparisonTable", get, wire.PathReportCSV, "Runs", "The indicators of a comparison as CSV", 404), wire.TypeCSV, nil, s.getReportCSV)
}

// getReport serves GET /v1/comparisons/{id}/report.
func (s *Server) getReport(c *fiber.Ctx) error {
	ctx, cancel := s.timed(c)
	defer cancel()
	id, err := pathID(c.Params("id"))
	if err != nil {
		return err
	}
	run, _, err := s.finished(ctx, id)
	if err != nil {
		return err
	}
	key := id + " " + run.Ended.String() + " " + s.opt.Twin.City().Version
	page := s.reports.get(key)
	if page == nil {
		var b bytes.Buffer
		if err := s.opt.Twin.Report(ctx, id, &b); err != nil {
			if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
				return newProblem(http.StatusServiceUnavailable, "the report was not drawn within %v; `tideway compare --report` has no limit", s.opt.Timeout)
			}
			return lost(err, "comparison", id)
		}
		page = newEncoded("text/html; charset=utf-8", b.Bytes)
		s.reports.put(key, page)
	}
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderReferrerPolicy, "no-referrer")
	c.Set(fiber.HeaderContentSecurityPolicy, reportPolicy)
	return page.send(c, "private, no-cache")
}

// getReportCSV serves GET /v1/comparisons/{id}/report.csv.
func (s *Server) getReportCSV(c *fiber.Ctx) error {
	ctx, cancel := s.timed(c)
	defer cancel()
	id, err := pathID(c.Params("id"))
	if err != nil {
		return err
	}
	_, found, err := s.finished(ctx, id)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := report.WriteCSV(&b, found); err != nil {
		return err
	}
	return newEncoded("text/csv; charset=utf-8", b.Bytes).send(c, "private, no-cache")
}
