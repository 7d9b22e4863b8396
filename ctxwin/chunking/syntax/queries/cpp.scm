(function_definition declarator: [
  (function_declarator declarator: (_) @name)
  (pointer_declarator declarator: (function_declarator declarator: (_) @name))
  (reference_declarator (function_declarator declarator: (_) @name))]
  body: (_)? @body) @definition.function
(translation_unit [
  (declaration declarator: (function_declarator declarator: [(identifier) (qualified_identifier)] @name))
  (declaration declarator: (pointer_declarator declarator: (function_declarator declarator: (identifier) @name)))
] @definition.function)
(declaration_list [
  (declaration declarator: (function_declarator declarator: [(identifier) (qualified_identifier)] @name))
  (declaration declarator: (pointer_declarator declarator: (function_declarator declarator: (identifier) @name)))
] @definition.function)
(preproc_ifdef [
  (declaration declarator: (function_declarator declarator: [(identifier) (qualified_identifier)] @name))
  (declaration declarator: (pointer_declarator declarator: (function_declarator declarator: (identifier) @name)))
] @definition.function)
(preproc_if [
  (declaration declarator: (function_declarator declarator: [(identifier) (qualified_identifier)] @name))
  (declaration declarator: (pointer_declarator declarator: (function_declarator declarator: (identifier) @name)))
] @definition.function)
(field_declaration declarator: [
  (function_declarator declarator: (_) @name)
  (pointer_declarator declarator: (function_declarator declarator: (_) @name))
  (reference_declarator (function_declarator declarator: (_) @name))]) @definition.method
(class_specifier name: (_) @name body: (_) @body) @definition.class
(struct_specifier name: (_) @name body: (_) @body) @definition.class
(union_specifier name: (_) @name body: (_) @body) @definition.class
(enum_specifier name: (_) @name body: (_) @body) @definition.enum
(namespace_definition name: (_) @name body: (_) @body) @definition.module
(template_declaration (class_specifier name: (_) @name)) @outer
(template_declaration (struct_specifier name: (_) @name)) @outer
(template_declaration (function_definition declarator: [
  (function_declarator declarator: (_) @name)
  (pointer_declarator declarator: (function_declarator declarator: (_) @name))
  (reference_declarator (function_declarator declarator: (_) @name))])) @outer
(type_definition declarator: (type_identifier) @name) @definition.type
(alias_declaration name: (type_identifier) @name type: (_) @body) @definition.type
(concept_definition name: (identifier) @name (_) @body) @definition.type
(preproc_function_def name: (identifier) @name value: (_)? @body) @definition.macro
(preproc_def name: (identifier) @name value: (_)? @body) @definition.constant
(translation_unit (declaration declarator: (init_declarator declarator: [
  (identifier) @name (array_declarator declarator: (identifier) @name)
  (pointer_declarator declarator: (identifier) @name)] value: (_) @body)) @definition.constant)

(call_expression function: [
  (identifier) @reference
  (field_expression field: (field_identifier) @reference)
  (qualified_identifier name: (identifier) @reference)
  (template_function name: (identifier) @reference)])
(base_class_clause (type_identifier) @reference)
(new_expression type: (type_identifier) @reference)
(parameter_declaration type: [(type_identifier) @reference (qualified_identifier name: (type_identifier) @reference)])
(declaration type: [(type_identifier) @reference (qualified_identifier name: (type_identifier) @reference)])
(field_declaration type: [(type_identifier) @reference (qualified_identifier name: (type_identifier) @reference)])
(template_type name: (type_identifier) @reference)
(type_descriptor type: (type_identifier) @reference)

(preproc_include path: (_) @import)

(comment) @above
