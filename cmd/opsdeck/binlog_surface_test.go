package main

// The commands of the binlog, for the lists of every command.
func init() {
	readingCommands = append(readingCommands, "backup binlog list", "backup binlog verify", "audit changes")
	changingCommands["backup binlog follow"] = nil
	changingCommands["backup binlog fetch"] = []string{"--flush"}
	changingCommands["restore rewind"] = []string{"--txn", "binlog.000001:4"}
	destructiveCommands = append(destructiveCommands, "restore rewind")
	jsonCommands = append(
		jsonCommands,
		"restore rewind",
		"backup binlog fetch",
		"backup binlog list",
		"backup binlog verify",
		"audit changes",
	)
}
