package healthhttp

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"opsdeck/internal/lang"
)

func page(t *testing.T, language string) (head http.Header, body string) {
	t.Helper()
	s := fixed()
	s.Metrics = http.NotFoundHandler()
	s.Of = []Service{fixed(), fixed()}
	r := httptest.NewRequest(http.MethodGet, "/api-docs", nil)
	r.Header.Set("Accept-Language", language)
	w := httptest.NewRecorder()
	Handler(s).ServeHTTP(w, r)
	if w.Code != 200 {
		t.Fatal(w.Code)
	}
	return w.Header(), w.Body.String()
}

func TestThePageLoadsNothing(t *testing.T) {
	head, body := page(t, "en")
	if !strings.HasPrefix(head.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Error(head)
	}
	for _, m := range regexp.MustCompile(`(?i)(?:src|href|url)\s*[=(]\s*"?([^")\s>]+)`).FindAllStringSubmatch(body,
		-1) {
		if !strings.HasPrefix(m[1], "/") && m[1] != "data:," {
			t.Errorf("the page names %s", m[1])
		}
	}
	if strings.Contains(body, "<script") || strings.Contains(body, "://") || strings.Contains(body, "@import") {
		t.Error("the page has a script or an address")
	}
}

func TestThePageNamesEveryPath(t *testing.T) {
	_, body := page(t, "en-GB,en")
	for _, path := range []string{"/health", "/health/ready", "/health/version", "/metrics", "/openapi.json",
		"/api-docs"} {
		if !strings.Contains(body, "<code>"+path+"</code>") {
			t.Errorf("the page lacks %s", path)
		}
	}
	for _, want := range []string{"?service=", ageHeader, "No such service", "&#34;database&#34;: false"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}

// Every text of the description has its Chinese.
func TestThePageSpeaksChinese(t *testing.T) {
	_, body := page(t, "zh-CN,zh;q=0.9,en;q=0.8")
	if !strings.Contains(body, `lang="zh"`) {
		t.Fatal(body)
	}
	var d openAPIDoc
	if err := json.Unmarshal(openAPI, &d); err != nil {
		t.Fatal(err)
	}
	chinese := func(text string) {
		if got := lang.Chinese().Msg(lang.Msg{Key: text}); got == text && text != "OpenAPI 3" {
			t.Errorf("%q has no Chinese", text)
		}
	}
	for _, methods := range d.Paths {
		for _, m := range methods {
			chinese(m.Summary)
			for _, p := range m.Parameters {
				chinese(p.Description)
			}
			for _, r := range m.Responses {
				chinese(r.Description)
				for _, h := range r.Headers {
					chinese(h.Description)
				}
			}
		}
	}
}

func TestWhatIsNotServedIsNotDescribed(t *testing.T) {
	_, body := ask(t, Handler(fixed()), "/openapi.json")
	if strings.Contains(body, "/metrics") || strings.Contains(body, `"parameters"`) {
		t.Error(body)
	}
}
