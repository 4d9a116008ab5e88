package logfile

import (
	"context"

	"opsdeck/ops/logs"
	"opsdeck/ops/logs/store"
)

// Group makes sources from files: a file and its rotated generations form one source, in
// time order.
func Group(paths []string) []logs.Source { return group(paths, nil) }

// Feed fills a store from sources and keeps it up to date until ctx ends. It returns when
// everything has stopped. failed is called for what could not be read.
func Feed(ctx context.Context, store *store.Store, sources []logs.Source, failed func(name string, err error)) {
	feed(ctx, store, sources, Config{}.Globs(nil, sources), failed)
}
