(function_definition declarator: [
  (function_declarator declarator: (_) @name)
  (pointer_declarator declarator: (function_declarator declarator: (_) @name))
  (pointer_declarator declarator: (pointer_declarator declarator: (function_declarator declarator: (_) @name)))]
  body: (_) @body) @definition.function
(declaration declarator: [
  (function_declarator declarator: (identifier) @name)
  (pointer_declarator declarator: (function_declarator declarator: (identifier) @name))]) @definition.function
(struct_specifier name: (_) @name body: (_) @body) @definition.class
(union_specifier name: (_) @name body: (_) @body) @definition.class
(enum_specifier name: (_) @name body: (_) @body) @definition.enum
(type_definition declarator: (type_identifier) @name) @definition.type
(preproc_function_def name: (identifier) @name value: (_)? @body) @definition.macro
(preproc_def name: (identifier) @name value: (_)? @body) @definition.constant
(translation_unit (declaration declarator: (init_declarator declarator: [
  (identifier) @name (array_declarator declarator: (identifier) @name)
  (pointer_declarator declarator: (identifier) @name)] value: (_) @body)) @definition.constant)

(call_expression function: [(identifier) @reference (field_expression field: (field_identifier) @reference)])
(parameter_declaration type: [(type_identifier) @reference (struct_specifier name: (type_identifier) @reference !body)])
(declaration type: [(type_identifier) @reference (struct_specifier name: (type_identifier) @reference !body)])
(field_declaration type: [(type_identifier) @reference (struct_specifier name: (type_identifier) @reference !body)])

(preproc_include path: (_) @import)

(comment) @above
