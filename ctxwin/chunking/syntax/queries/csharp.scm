(class_declaration name: (_) @name body: (_)? @body) @definition.class
(struct_declaration name: (_) @name body: (_)? @body) @definition.class
(record_declaration name: (_) @name body: (_)? @body) @definition.class
(interface_declaration name: (_) @name body: (_)? @body) @definition.interface
(enum_declaration name: (_) @name body: (_)? @body) @definition.enum
(delegate_declaration name: (_) @name) @definition.type
(namespace_declaration name: (_) @name body: (_) @body) @definition.module
(method_declaration name: (_) @name body: (_)? @body) @definition.method
(constructor_declaration name: (_) @name body: (_)? @body) @definition.method
(destructor_declaration name: (_) @name body: (_)? @body) @definition.method
(local_function_statement name: (_) @name body: (_)? @body) @definition.function
(property_declaration name: (_) @name accessors: (_)? @body) @definition.field
(field_declaration (variable_declaration (variable_declarator name: (_) @name))) @definition.field
(event_declaration name: (_) @name accessors: (_)? @body) @definition.field

(invocation_expression function: [
  (identifier) @reference
  (member_access_expression name: (identifier) @reference)
  (generic_name (identifier) @reference)
  (member_access_expression name: (generic_name (identifier) @reference))])
(object_creation_expression type: [(identifier) @reference (generic_name (identifier) @reference)])
(base_list [(identifier) @reference (generic_name (identifier) @reference)])
(parameter type: [(identifier) @reference (generic_name (identifier) @reference)])
(variable_declaration type: [(identifier) @reference (generic_name (identifier) @reference)])
(property_declaration type: [(identifier) @reference (generic_name (identifier) @reference)])
(method_declaration returns: [(identifier) @reference (generic_name (identifier) @reference)])
(type_argument_list (identifier) @reference)
(attribute name: (identifier) @reference)

(using_directive !name [(identifier) (qualified_name)] @import)
(using_directive name: (_) [(qualified_name)] @import)

(comment) @above
