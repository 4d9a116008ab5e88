package mysql

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"

	"opsdeck/ops/mysql/schema"
)

// PreparedXA lists the XA transactions that are prepared and neither committed nor rolled
// back, each as SQL takes it: X'…',X'…',1. They outlive their sessions and keep their
// locks. On MySQL it needs the privilege XA_RECOVER_ADMIN.
// https://dev.mysql.com/doc/refman/8.4/en/xa-statements.html
func PreparedXA(ctx context.Context, q schema.Querier) ([]string, error) {
	rows, err := schema.All(ctx, q, "XA RECOVER")
	if err != nil {
		return nil, fmt.Errorf("list the prepared XA transactions: %w", err)
	}
	var ids []string
	for _, r := range rows {
		length, err := strconv.Atoi(r[1])
		if err != nil || length < 0 || length > len(r[3]) {
			return nil, fmt.Errorf("the server lists an XA transaction of an unknown form: %q", r)
		}
		global := hex.EncodeToString([]byte(r[3][:length]))
		branch := hex.EncodeToString([]byte(r[3][length:]))
		ids = append(ids, fmt.Sprintf("X'%s',X'%s',%s", global, branch, r[0]))
	}
	return ids, nil
}

// DetachedXA counts the transactions that no session owns: XA transactions whose client is
// gone, prepared or recovered after a crash. It needs the privilege PROCESS.
func DetachedXA(ctx context.Context, q schema.Querier) (int, error) {
	n, err := schema.One(ctx, q, "SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id = 0 "+
		"AND trx_state <> 'ROLLING BACK'")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(n)
}
