package api

import (
	"io/fs"
	"mime"
	"path"

	"github.com/gofiber/fiber/v2"
)

// policy keeps the page to what the service itself serves. Map workers are
// made from blobs, styles of map controls are inline.
const policy = "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// pageRoutes serves the page's files from memory with tags by content, and a
// plain list of the API at /docs.
func (s *Server) pageRoutes() {
	list := newEncoded("text/plain; charset=utf-8", func() []byte { return []byte(pathsOf(s.huma)) })
	s.app.Get("/docs", func(c *fiber.Ctx) error { return list.send(c, "no-cache") })
	if s.opt.Page == nil {
		return
	}
	_ = fs.WalkDir(s.opt.Page, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		file := newEncoded(contentType(name), func() []byte {
			b, _ := fs.ReadFile(s.opt.Page, name) // embedded
			return b
		})
		serve := func(c *fiber.Ctx) error {
			c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
			c.Set(fiber.HeaderReferrerPolicy, "no-referrer")
			c.Set(fiber.HeaderContentSecurityPolicy, policy)
			return file.send(c, "no-cache")
		}
		s.app.Get("/"+name, serve)
		if name == "index.html" {
			s.app.Get("/", serve)
		}
		return nil
	})
}

func contentType(name string) string {
	switch ext := path.Ext(name); ext {
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".json", ".map":
		return "application/json"
	default:
		if t := mime.TypeByExtension(ext); t != "" {
			return t
		}
		return "application/octet-stream"
	}
}
