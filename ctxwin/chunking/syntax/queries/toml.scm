(table . (_) @name . (_)? @body) @definition.table
(table_array_element . (_) @name . (_)? @body) @definition.table
(document (pair . (_) @name . (_) @body) @definition.key)

(comment) @above
