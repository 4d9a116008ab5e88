package schema

import "context"

// Identity is which server it is, whatever its address: its server_uuid; MariaDB has none,
// and is known by its host name, port and data folder.
func Identity(ctx context.Context, q Querier) (string, error) {
	if uuid, err := One(ctx, q, "SELECT @@GLOBAL.server_uuid"); err == nil && uuid != "" {
		return uuid, nil
	}
	return One(ctx, q, "SELECT CONCAT_WS(':', @@GLOBAL.hostname, @@GLOBAL.port, @@GLOBAL.datadir)")
}
