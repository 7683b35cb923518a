package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"

	"tideway/api/wire"
)

func init() {
	huma.DefaultArrayNullable = false // our lists are empty, never null
	huma.NewError = humaProblem       // one form of problem in code and document
}

// answer is a huma output with a JSON body.
type answer[T any] struct{ Body T }

func reply[T any](v T) *answer[T] { return &answer[T]{v} }

// none is the input of an operation without any.
type none struct{}

// byID is the input of an operation on one record.
type byID struct {
	ID string `path:"id" doc:"Percent-encoded id."`
}

// newHuma makes the operation registry over the fiber app. Routes of its own
// (documents, schemas, docs) are off: the document is served from memory.
func newHuma(app *fiber.App, version string) huma.API {
	format := huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: decodeJSON}
	config := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{Title: "Tideway", Version: version,
				Description: "A digital twin of a city's traffic and air: state, forecasts with intervals, and what-if scenarios."},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"bearer": {Type: "http", Scheme: "bearer", Description: "An API key."},
					"apiKey": {Type: "apiKey", In: "header", Name: "X-API-Key"},
				},
			},
		},
		Formats:                      map[string]huma.Format{"application/json": format, "json": format},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
	}
	return humafiber.New(app, config)
}

// decodeJSON names the place of what is not JSON by line and column.
func decodeJSON(data []byte, v any) error {
	err := json.Unmarshal(data, v)
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("%s: %w", place(data, syntax.Offset), err)
	case errors.As(err, &wrong):
		return fmt.Errorf("%s: %w", place(data, wrong.Offset), err)
	}
	return err
}

func place(data []byte, offset int64) string {
	line, column := 1, 1
	for _, c := range data[:min(max(offset-1, 0), int64(len(data)))] {
		if column++; c == '\n' {
			line, column = line+1, 1
		}
	}
	return "line " + strconv.Itoa(line) + " column " + strconv.Itoa(column)
}

// op describes an operation; what is common to all is filled in.
func op(id, method, path, tag, summary string, errs ...int) huma.Operation {
	o := huma.Operation{OperationID: id, Method: method, Path: path, Summary: summary, Tags: []string{tag}}
	if scope := scopeOf(method, path); scope != "" {
		o.Security = []map[string][]string{{"bearer": {scope}}, {"apiKey": {scope}}}
		errs = append(errs, http.StatusUnauthorized, http.StatusForbidden)
	}
	o.Errors = append(errs, http.StatusServiceUnavailable)
	return o
}

// add registers an operation that huma validates. Its handler gets a context
// that ends after the request's time.
func add[I, O any](s *Server, o huma.Operation, handle func(context.Context, *I) (*O, error)) {
	huma.Register(s.huma, o, func(ctx context.Context, in *I) (*O, error) {
		ctx, cancel := context.WithTimeout(ctx, s.opt.Timeout)
		defer cancel()
		out, err := handle(ctx, in)
		if err == nil {
			return out, nil
		}
		if errors.Is(err, context.DeadlineExceeded) {
			return nil, newProblem(http.StatusServiceUnavailable, "not answered within %v", s.opt.Timeout)
		}
		p := asProblem(err)
		if p.Status >= http.StatusInternalServerError && p.Status != http.StatusServiceUnavailable {
			s.opt.Log.Error("request failed", "operation", o.OperationID, "error", err)
		}
		return nil, p
	})
}

// addRaw registers an operation that fiber serves without huma: the hot ones,
// streams and bodies of other types. Its answer is described by a content type
// and an example of the Go type, nil for text or bytes.
func (s *Server) addRaw(o huma.Operation, contentType string, body any, handle fiber.Handler) {
	doc := s.huma.OpenAPI()
	media := &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
	if body != nil {
		media.Schema = doc.Components.Schemas.Schema(reflect.TypeOf(body), true, o.OperationID)
	}
	switch contentType {
	case "application/yaml":
		media.Schema = &huma.Schema{Type: huma.TypeObject}
	case wire.TypeTile:
		media.Schema = &huma.Schema{Type: huma.TypeString, Format: "binary"}
	}
	o.Responses = map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{contentType: media}}}
	problems := doc.Components.Schemas.Schema(reflect.TypeFor[wire.Problem](), true, "Problem")
	for _, code := range o.Errors {
		o.Responses[strconv.Itoa(code)] = &huma.Response{Description: http.StatusText(code),
			Content: map[string]*huma.MediaType{wire.TypeProblem: {Schema: problems}}}
	}
	for _, name := range parameters(o.Path) {
		if !slices.ContainsFunc(o.Parameters, func(p *huma.Param) bool { return p.Name == name }) {
			o.Parameters = append(o.Parameters, &huma.Param{Name: name, In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}})
		}
	}
	doc.AddOperation(&o)
	s.app.Add(o.Method, fiberPath(o.Path), handle)
}

// cached is an operation that serves a document; it adds 304 to the answers.
func (s *Server) cached(o huma.Operation, contentType string, body any, of func() (*encoded, error)) {
	s.addRaw(o, contentType, body, func(c *fiber.Ctx) error {
		e, err := of()
		if err != nil {
			return err
		}
		return e.send(c, "private, no-cache")
	})
	s.huma.OpenAPI().Paths[o.Path].Get.Responses["304"] = &huma.Response{Description: "The client has this version (If-None-Match)."}
}

// fiberPath turns {param} into :param.
func fiberPath(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}

// parameters lists the names in the braces of a path.
func parameters(path string) (names []string) {
	for _, part := range strings.Split(path, "{")[1:] {
		name, _, _ := strings.Cut(part, "}")
		names = append(names, name)
	}
	return names
}

// pathID decodes an id of the path.
func pathID(raw string) (string, error) {
	id, err := url.PathUnescape(raw)
	if err != nil {
		return "", newProblem(http.StatusBadRequest, "the id %q is not percent-encoded: %s", raw, err)
	}
	return id, nil
}

// lost turns an error that wraps fs.ErrNotExist into 404.
func lost(err error, kind, id string) error {
	if errors.Is(err, fs.ErrNotExist) {
		return notFound(kind, id)
	}
	return err
}

// current returns the view, or 503 before the first forecast.
func (s *Server) current() (*view, error) {
	a, err := s.airNow()
	if err != nil {
		return nil, err
	}
	return a.view, nil
}

// ofView serves one document of the view.
func (s *Server) ofView(pick func(*view) *encoded) func() (*encoded, error) {
	return func() (*encoded, error) {
		v, err := s.current()
		if err != nil {
			return nil, err
		}
		return pick(v), nil
	}
}

// ofCity serves one document of the city.
func (s *Server) ofCity(pick func(*places) *encoded) func() (*encoded, error) {
	return func() (*encoded, error) { return pick(s.places.Load()), nil }
}

// OpenAPI writes the document of the whole API in YAML.
func (s *Server) OpenAPI(w io.Writer) error {
	b, err := s.huma.OpenAPI().YAML()
	if err == nil {
		_, err = w.Write(b)
	}
	return err
}
