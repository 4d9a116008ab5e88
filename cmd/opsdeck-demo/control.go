package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

func controlSocket(dir string) string { return filepath.Join(dir, "control.sock") }

// serveControl answers on the world's control socket; client.go is the other
// side.
func (w *world) serveControl() error {
	path := controlSocket(w.dir)
	os.Remove(path)
	listener, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /faults", func(res http.ResponseWriter, _ *http.Request) {
		answer(res, map[string]any{"faults": w.listFaults()})
	})
	mux.HandleFunc("POST /fault/{name}", func(res http.ResponseWriter, req *http.Request) {
		w.answerFault(res, req, true)
	})
	mux.HandleFunc("DELETE /fault/{name}", func(res http.ResponseWriter, req *http.Request) {
		w.answerFault(res, req, false)
	})
	mux.HandleFunc("GET /service/status", func(res http.ResponseWriter, _ *http.Request) { w.answerService(res, nil) })
	mux.HandleFunc("POST /service/start", func(res http.ResponseWriter, req *http.Request) {
		w.answerService(res, func() error { return w.revive(req.Context()) })
	})
	mux.HandleFunc("POST /service/stop", func(res http.ResponseWriter, _ *http.Request) {
		w.answerService(res, func() error { w.backend.stop(5 * time.Second); return nil })
	})
	w.control = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go w.control.Serve(listener)
	return nil
}

func (w *world) answerFault(res http.ResponseWriter, req *http.Request, planted bool) {
	// What is begun is finished, also when the asker goes away.
	if err := w.setFault(context.WithoutCancel(req.Context()), req.PathValue("name"), planted); err != nil {
		http.Error(res, err.Error(), http.StatusConflict)
		return
	}
	answer(res, map[string]any{})
}

func (w *world) answerService(res http.ResponseWriter, act func() error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if act != nil {
		if err := act(); err != nil {
			http.Error(res, err.Error(), http.StatusConflict)
			return
		}
	}
	answer(res, map[string]any{"running": w.backend.running()})
}

func answer(res http.ResponseWriter, body any) {
	res.Header().Set("Content-Type", "application/json; charset=utf-8")
	json.NewEncoder(res).Encode(body)
}
