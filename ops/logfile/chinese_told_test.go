package logfile

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"opsdeck/ops/logs/store"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// TestTheTabSaysWhichLogsHaveLinesInGBK: where none of the places looked at tells it; not of one
// that it converts, nor of one in UTF-8.
func TestTheTabSaysWhichLogsHaveLinesInGBK(t *testing.T) {
	t.Parallel()
	plain := strings.Repeat("2026-01-29T12:00:00Z INFO 开始 started\n", 30_000)
	gbk := string(coded(t, simplifiedchinese.GB18030, "2026-01-29T12:00:04Z ERROR 订单处理失败：库存不足\n"))
	within := plain[:len(plain)*3/4]
	within = within[:strings.LastIndexByte(within, '\n')+1]
	var conf Config
	for name, text := range map[string]string{
		"within.log": within + gbk + plain, "rotated.log.1": within + gbk + plain, "rotated.log": plain,
		"utf8.log": plain, "converted.log": gbk + plain,
	} {
		conf.Sources = append(conf.Sources, write(t, name, []byte(text)))
	}
	sources, err := conf.Resolve(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	held := store.NewStore(time.UTC, time.Now)
	defer held.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		conf.Feed(ctx, held, sources, held.Fail)
		close(done)
	}()
	until(t, "what it says of two logs", func() bool { return len(held.Stats().Errors) == 2 })
	said := fmt.Sprint(held.Stats().Errors)
	for name, want := range map[string]bool{
		"within.log": true, "rotated.log.1": true, "rotated.log ": false, "utf8.log": false, "converted.log": false,
	} {
		if strings.Contains(said, "/"+name) != want {
			t.Errorf("of %s: %s", name, said)
		}
	}
	cancel()
	<-done
}
