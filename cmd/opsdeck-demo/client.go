package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// socketEnv tells the console where the world's control socket is; its palette
// then offers the faults.
const socketEnv = "OPSDECK_DEMO_SOCKET"

// faultState is one fault of the world and whether it is planted.
type faultState struct {
	Name   string `json:"name"`
	About  string `json:"about"`
	Active bool   `json:"active"`
}

// askFaults is every fault the world knows, and which are planted.
func askFaults(ctx context.Context, socket string) ([]faultState, error) {
	var got struct {
		Faults []faultState `json:"faults"`
	}
	return got.Faults, call(ctx, socket, http.MethodGet, "/faults", &got)
}

// askFault plants a fault, or heals it. The fault "heal" heals everything.
func askFault(ctx context.Context, socket, name string, planted bool) error {
	method := http.MethodPost
	if !planted {
		method = http.MethodDelete
	}
	return call(ctx, socket, method, "/fault/"+name, nil)
}

// askService does "start" or "stop" to the back end, or looks at its "status", and
// tells whether it runs afterwards.
func askService(ctx context.Context, socket, verb string) (running bool, err error) {
	method := http.MethodPost
	if verb == "status" {
		method = http.MethodGet
	}
	var got struct {
		Running bool `json:"running"`
	}
	err = call(ctx, socket, method, "/service/"+verb, &got)
	return got.Running, err
}

// patience is how long the world may take for what it is asked: a real server that
// was stopped has to come up again.
const patience = 4 * time.Minute

func call(ctx context.Context, socket, method, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		},
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://demo"+path, nil)
	if err != nil {
		return err
	}
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) {
			return fmt.Errorf("no demo world answers at %s: %w", socket, op.Err)
		}
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return errors.New(strings.TrimSpace(string(body)))
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(body, into)
}
