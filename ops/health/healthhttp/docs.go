package healthhttp

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"opsdeck/internal/lang"
)

//go:embed openapi.json
var openAPI []byte

//go:embed docs.html
var docsHTML string

// describe is the OpenAPI description of what is served here.
func describe(metrics, several bool) []byte {
	var doc map[string]any
	if err := json.Unmarshal(openAPI, &doc); err != nil {
		panic(err) // of our own file
	}
	paths := doc["paths"].(map[string]any)
	if !metrics {
		delete(paths, "/metrics")
	}
	if ready := paths["/health/ready"].(map[string]any)["get"].(map[string]any); !several {
		delete(ready, "parameters")
		delete(ready["responses"].(map[string]any), "404")
	}
	out, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		panic(err)
	}
	return out
}

// docsPolicy lets the page load nothing but its own style.
const docsPolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri " +
	"'none'; form-action 'none'"

// docsPage answers with a page of HTML about the description. It has no script and
// loads nothing, so it works without the internet.
func docsPage(s Service, doc []byte) http.HandlerFunc {
	page := template.Must(template.New("docs").Parse(docsHTML))
	bodies := map[string][]byte{}
	for _, p := range []*lang.Printer{lang.English(), lang.Chinese()} {
		var b bytes.Buffer
		if err := page.Execute(&b, docsOf(s, doc, p)); err != nil {
			panic(err) // of our own template
		}
		bodies[p.Code()] = b.Bytes()
	}
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", docsPolicy)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Vary", "Accept-Language")
		send(w, http.StatusOK, bodies[languageOf(r)])
	}
}

// languageOf is zh or en, by the browser's first language.
func languageOf(r *http.Request) string {
	if strings.HasPrefix(strings.ToLower(strings.TrimSpace(r.Header.Get("Accept-Language"))), "zh") {
		return "zh"
	}
	return "en"
}

// docs is what the page shows.
type docs struct {
	Lang, Title, About, Spec, Try string
	Paths                         []docPath
}

type docPath struct {
	Path, Summary string
	Asks          []docNote // parameters
	Responses     []docResponse
}

type docNote struct{ Name, What string }

type docResponse struct {
	Code, What, Example string
	Headers             []docNote
}

// openAPIDoc is the part of the description that the page shows.
type openAPIDoc struct {
	Paths map[string]map[string]struct {
		Summary    string
		Parameters []struct{ Name, Description string }
		Responses  map[string]struct {
			Description string
			Headers     map[string]struct{ Description string }
			Content     map[string]struct{ Example any }
		}
	}
}

func docsOf(s Service, doc []byte, p *lang.Printer) docs {
	var d openAPIDoc
	if err := json.Unmarshal(doc, &d); err != nil {
		panic(err)
	}
	say := func(text string) string { return p.Msg(lang.Msg{Key: text}) }
	out := docs{
		Lang:  p.Code(),
		Title: p.T("Endpoints of %s", s.Name),
		About: p.T("All endpoints answer GET and HEAD with the current state; nothing is changed."),
		Spec:  p.T("OpenAPI description"),
		Try:   p.T("Open"),
	}
	for path, methods := range d.Paths {
		get := methods["get"]
		at := docPath{Path: path, Summary: say(get.Summary)}
		for _, a := range get.Parameters {
			at.Asks = append(at.Asks, docNote{"?" + a.Name + "=…", say(a.Description)})
		}
		for code, r := range get.Responses {
			one := docResponse{Code: code, What: say(r.Description)}
			for name, h := range r.Headers {
				one.Headers = append(one.Headers, docNote{name, say(h.Description)})
			}
			for _, c := range r.Content {
				one.Example = exampleOf(c.Example)
			}
			at.Responses = append(at.Responses, one)
		}
		slices.SortFunc(at.Responses, func(a, b docResponse) int { return strings.Compare(a.Code, b.Code) })
		out.Paths = append(out.Paths, at)
	}
	slices.SortFunc(out.Paths, func(a, b docPath) int { return strings.Compare(a.Path, b.Path) })
	return out
}

// exampleOf is an example as text.
func exampleOf(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return ""
	}
	return string(text)
}
