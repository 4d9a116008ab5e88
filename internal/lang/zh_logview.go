package lang

func init() {
	register(map[string]string{
		"Best first: lines that hold the words as typed, then all words, then their letters in order.": "最匹配的排在前：先是原样包含这些词的行，再是包含所有词的行，最后是依次包含其字母的行。",
		"--rank shows the best first: it goes with neither --newest nor -f, --count, --histogram":      "--rank 按匹配程度排序：不能与 --newest、-f、--count、--histogram 同用",
		"the best %d of %d hits; --limit N for more":                                                   "显示了 %[2]d 处命中中最匹配的 %[1]d 处；用 --limit N 查看更多",
		"best first":                                        "最匹配的在前",
		"o lists by time":                                   "o 按时间排列",
		" (best first)":                                     "（最匹配的在前）",
		" (with %d around)":                                 "（含前后 %d 条）",
		"more around":                                       "扩大上下文",
		"show more events around each hit":                  "每处命中前后多显示一些事件",
		"less around":                                       "缩小上下文",
		"show fewer events around each hit":                 "每处命中前后少显示一些事件",
		"list hits by how well they fit, or by time":        "按匹配程度或按时间排列命中",
		"nothing is searched for":                           "还没有搜索任何内容",
		"with no words to search for, all events fit alike": "没有要搜索的词，所有事件的匹配程度都一样",
		"more than %d rows are selected: write them to a file with w":            "选中的超过 %d 行：请按 w 写入文件",
		"no search is saved (searches: in the configuration), and none was made": "没有已保存的搜索（配置中的 searches:），也还没有搜索过",
		"bookmark with a note":                  "加书签并写备注",
		"bookmarks":                             "书签",
		"list the bookmarks and their notes":    "列出书签及其备注",
		"searches":                              "搜索列表",
		"pick a saved search or an earlier one": "选取已保存的或之前的搜索",
		"Bookmarks":                             "书签",
		"Note":                                  "备注",
		"the bookmarks are not kept: %s":        "书签未能保存：%s",
		"Searches":                              "搜索",
		"the search history is not kept: %s":    "搜索历史未能保存：%s",
		"nothing has these letters":             "没有包含这些字母的项",
	})
}
